/** A reward in the catalogue: two taps, and it is the member's. */
import { ApiError } from './loyalty-api.js';
import { got } from './loyalty-codes.js';
import { h, thousandths } from './loyalty-kit.js';
import { about, listed } from './loyalty-terms.js';

/** Refusals that another try would only repeat. */
const FINAL = ['insufficient_points', 'unauthorized', 'not_found', 'invalid', 'conflict'];

/** Whether there is one yet, for whoever has the points. */
export function isThere(reward) {
  return !reward.reason && (reward.left !== 0 || Boolean(reward.kept_until)) && (reward.state ?? 'open') === 'open';
}

/** What can be had now comes first, cheapest first; then what is nearest; then what is taken or over. */
export function byReach(rewards) {
  return [...rewards].sort((a, b) => isThere(b) - isThere(a) || b.affordable - a.affordable || a.missing - b.missing || a.points - b.points);
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
    const head = h('div', { class: 'card-head' }, h('h3', {}, h('bdi', {}, reward.title)), h('p', { class: 'cost' }, words.cost(reward)));
    // What was redeemed tells of itself.
    const terms = step !== 'code' && listed(about(reward, words, step !== 'offer'));
    this.element.replaceChildren(...[head, ...content, terms].filter(Boolean));
  }

  #offer() {
    const { reward, words } = this;
    if (!isThere(reward)) return this.#show('offer', reward.left === 0 && !reward.reason && this.#line());
    if (!reward.affordable) return this.#show('offer', this.#progress());
    const name = words.text('redeem_named', { reward: reward.title, points: words.cost(reward).textContent });
    const redeem = h('button', { class: 'button', type: 'button', 'aria-label': name, 'data-loyalty-redeem': true, onclick: () => this.#ask() }, words.text('redeem'));
    return this.#show('offer', redeem);
  }

  /** Of what is taken: a place in the line, or out of it. */
  #line() {
    const { reward, words, panel } = this;
    const isIn = reward.place != null;
    const button = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-line': isIn ? 'leave' : 'wait' }, words.text(isIn ? 'leave' : 'wait'));
    button.addEventListener('click', async () => {
      button.setAttribute('aria-disabled', 'true');
      try {
        await panel.api.line(reward.id, !isIn);
        await panel.changed();
        panel.announce(this.element.querySelector('[data-loyalty-terms]').firstChild.textContent);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.#problem(error);
      }
    });
    return button;
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
    const question = reward.per ? this.#slider() : this.#question();
    const { text } = reward.discount ? this.panel.cart.hindrance(reward, words) : {};
    this.#show('ask', question, text && h('p', { class: 'in-cart', 'data-loyalty-hint': true }, text), h('div', { class: 'actions' }, yes, no));
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
      const first = await panel.api.redeem({ reward: reward.id, points, key, chosen: Boolean(reward.per) });
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
    this.#show('code', ...got(redemption, panel), done);
    this.redemption = redemption.state === 'issued' ? redemption.id : null;
    panel.announce(redemption.code ? `${words.text('your_code')}: ${redemption.code}` : words.text('redeemed', { reward: redemption.reward.title }));
    (this.element.querySelector('[data-loyalty-copy]') ?? done).focus();
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
    (this.element.querySelector('[data-loyalty-redeem]') ?? this.element).focus();
  }
}
