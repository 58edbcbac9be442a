/** A reward in the catalogue: two taps turn points into a code. */
import { ApiError } from './loyalty-api.js';
import { codeBox } from './loyalty-codes.js';
import { h, thousandths } from './loyalty-kit.js';

/** Refusals that another try would only repeat. */
const FINAL = ['insufficient_points', 'unauthorized', 'not_found', 'invalid'];

/** What can be had now comes first, cheapest first; then what is nearest. */
export function byReach(rewards) {
  return [...rewards].sort((a, b) => b.affordable - a.affordable || a.missing - b.missing || a.points - b.points);
}

export class RewardCard {
  constructor(panel, reward) {
    this.panel = panel;
    this.words = panel.words;
    this.element = h('li', { class: 'card', 'data-loyalty-reward': reward.id });
    this.update(reward);
  }

  /** Takes fresh figures; a card in the middle of something keeps what it shows. */
  update(reward) {
    this.reward = reward;
    const open = this.panel.me.redemptions ?? [];
    // A code that was used or given back elsewhere is no longer worth showing.
    const gone = this.redemption && !open.some((one) => one.id === this.redemption);
    if (!this.busy || gone) this.#offer();
  }

  #show(step, ...content) {
    this.busy = step !== 'offer';
    this.redemption = null;
    this.element.dataset.step = step;
    const { reward, words } = this;
    const minimum = reward.minimum && h('p', { class: 'note' }, words.text('minimum', { money: words.money(reward.minimum) }));
    const title = h('h3', {}, h('bdi', {}, reward.title));
    const head = h('div', { class: 'card-head' }, title, h('p', { class: 'cost' }, words.cost(reward)), minimum);
    this.element.replaceChildren(head, ...content);
  }

  #offer() {
    const { reward, words } = this;
    if (!reward.affordable) return this.#show('offer', this.#progress());
    const name = words.text('redeem_named', { reward: reward.title, points: words.cost(reward).textContent });
    this.redeemButton = h('button', { class: 'button', type: 'button', 'aria-label': name, 'data-loyalty-redeem': true, onclick: () => this.#ask() }, words.text('redeem'));
    return this.#show('offer', this.redeemButton);
  }

  #progress() {
    const { reward, words, panel } = this;
    const goal = panel.me.member.points.available + reward.missing;
    return h('div', { class: 'progress' },
      h('progress', { max: goal, value: goal - reward.missing, 'aria-label': reward.title }),
      h('p', { class: 'note', 'data-loyalty-to-go': true }, words.text('to_go', { points: words.points(reward.missing) })));
  }

  #ask() {
    const { reward, words } = this;
    const yes = h('button', { class: 'button', type: 'button', 'data-loyalty-confirm': true, onclick: () => this.#redeem() }, words.text('confirm_yes'));
    const no = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-decline': true, onclick: () => this.#leave() }, words.text('confirm_no'));
    const question = reward.kind === 'variable' ? this.#slider() : this.#question();
    this.#show('ask', question, h('div', { class: 'actions' }, yes, no));
    yes.focus();
  }

  #question() {
    this.#intend(this.reward.points);
    return h('p', {}, this.words.text('confirm', { points: this.words.points(this.reward.points) }));
  }

  #intend(points) {
    this.points = points;
    this.key = this.panel.intents.get(this.reward.id, points);
  }

  /** A size between the reward's bounds, in its steps, and no more than the member can pay. */
  #slider() {
    const { reward, words } = this;
    const [per, min, max, step] = [reward.per, reward.min, reward.max, reward.step].map(thousandths);
    const price = (size) => Math.ceil((size * reward.points) / per); // prices round up, as on the server
    const size = (index) => min + index * step;
    const last = Math.floor((max - min) / step);
    let reach = last;
    while (reach > 0 && price(size(reach)) > this.panel.me.member.points.available) reach -= 1;

    const shown = h('output', { class: 'size', 'data-loyalty-size': true });
    const input = h('input', { type: 'range', min: 0, max: reach, step: 1, value: reach, 'aria-label': words.text('choose'), 'data-loyalty-slider': true });
    const show = () => {
      const chosen = size(Number(input.value));
      const text = words.text('amount_off', { money: words.money(chosen / 1000), points: words.points(price(chosen)) });
      shown.textContent = text;
      input.setAttribute('aria-valuetext', text);
      this.points = price(chosen);
    };
    const settle = () => this.#intend(this.points);
    const move = (by) => {
      input.value = Number(input.value) + by;
      show();
      settle();
    };
    input.addEventListener('input', show);
    input.addEventListener('change', settle);
    show();
    settle();
    const stepper = (by, sign, name) => h('button', { class: 'stepper', type: 'button', 'aria-label': words.text(name), onclick: () => move(by) }, sign);
    return h('div', { class: 'choose' }, shown, h('div', { class: 'slider' }, stepper(-1, '−', 'smaller'), input, stepper(1, '+', 'larger')));
  }

  async #redeem() {
    const { panel, words, reward, key, points } = this;
    const status = h('p', { class: 'working', 'data-loyalty-working': true }, words.text('working'));
    this.#show('working', status);
    panel.announce(words.text('working'));
    this.element.setAttribute('tabindex', '-1');
    this.element.focus();
    try {
      const first = await panel.api.redeem({ reward: reward.id, points, key, variable: reward.kind === 'variable' });
      panel.intents.settle(reward.id, key);
      if (first.state === 'reserved') panel.changed();
      const last = await panel.follow(first, (round) => {
        if (round === 3) status.textContent = words.text('slow');
      });
      this.#end(last, status);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.answered) panel.intents.settle(reward.id, key);
      this.#problem(error);
    }
  }

  #end(redemption, status) {
    const { panel, words } = this;
    if (redemption.state === 'reserved') {
      status.textContent = words.text('slow'); // it now waits under "My codes"
      return;
    }
    if (!['issued', 'used'].includes(redemption.state)) {
      this.#problem(new ApiError(redemption.state === 'failed' ? 'failed' : 'server', true));
      return;
    }
    const done = h('button', { class: 'link', type: 'button', 'data-loyalty-done': true, onclick: () => this.#leave() }, words.text('done'));
    const box = codeBox(redemption, panel);
    this.#show('code', box, done);
    this.redemption = redemption.id;
    panel.announce(`${words.text('your_code')}: ${redemption.code}`);
    box.querySelector('[data-loyalty-copy]').focus();
    panel.changed();
  }

  #problem(error) {
    const { panel, words } = this;
    // Nobody knows what became of an unanswered request, so it is repeated with its key; a refused one starts afresh.
    const again = () => (error.answered ? this.#leave() : this.#redeem());
    const label = words.text(FINAL.includes(error.code) ? 'done' : 'retry');
    const retry = h('button', { class: 'button', type: 'button', 'data-loyalty-again': true, onclick: again }, label);
    this.#show('problem', h('p', { class: 'problem', role: 'alert', 'data-loyalty-problem': error.code }, words.error(error)), retry);
    retry.focus();
    if (error.answered) panel.changed();
  }

  #leave() {
    this.#offer();
    this.element.setAttribute('tabindex', '-1');
    (this.reward.affordable ? this.redeemButton : this.element).focus();
  }
}
