/** What Liquid printed of actions, challenges and milestones, with what this shopper can do and how far they are. */
import { ApiError } from './loyalty-api.js';
import { h, thousandths } from './loyalty-kit.js';

/** Of what the app refuses: what another try can't change. */
const OVER = ['conflict', 'not_found'];

export class Ways {
  #items = new Map();
  #challenges = new Map();
  #milestones = new Map();

  constructor(panel) {
    this.panel = panel;
    this.words = panel.words;
    for (const item of panel.dialog.querySelectorAll('[data-loyalty-challenge]')) {
      this.#challenges.set(item.dataset.loyaltyChallenge, item);
    }
    for (const item of panel.dialog.querySelectorAll('[data-loyalty-milestone]')) {
      this.#milestones.set(item.dataset.loyaltyMilestone, item);
    }
    for (const state of panel.dialog.querySelectorAll('[data-loyalty-way-state]')) {
      const item = state.closest('[data-loyalty-way]');
      this.#items.set(item.dataset.loyaltyWay, item);
      this.#part(item, 'do')?.addEventListener('click', (event) => this.#followed(item, event));
      this.#part(item, 'way-form')?.addEventListener('submit', (event) => this.#sent(item, event));
    }
  }

  /** Asks how far this shopper is; without an answer nothing is offered. */
  async refresh() {
    if (!this.#items.size && !this.#challenges.size && !this.#milestones.size) return;
    try {
      const { ways, challenges = [], milestones = [], badges = [] } = await this.panel.api.get('ways');
      ways.forEach((way) => this.#show(way));
      challenges.forEach((challenge) => this.#showChallenge(challenge));
      milestones.forEach((milestone) => this.#showMilestone(milestone));
      this.#showBadges(badges);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  #part(item, name) {
    return item.querySelector(`[data-loyalty-${name}]`);
  }

  #show(way) {
    const item = this.#items.get(way.rule);
    if (!item) return;
    item.dataset.state = way.state;
    const offer = this.#part(item, 'do');
    if (offer) offer.hidden = way.state !== 'open' && way.kind !== 'birthday';
    if (way.birthday) this.#fill(item, way.birthday);
    this.#say(item, this.#stateOf(way));
  }

  #stateOf(way) {
    const { words } = this;
    if (way.waiting) return words.text('way_waiting');
    if (way.state === 'done') return words.text('way_done');
    if (way.state === 'limit') return words.text('way_limit');
    return way.refused == null ? '' : words.text('way_refused', { reason: way.refused });
  }

  #showChallenge({ challenge, title, state, done, count, turns, until }) {
    const item = this.#challenges.get(challenge);
    if (!item) return;
    item.dataset.state = state;
    const text = this.#progressOf(state, done, count, until);
    const bar = state === 'open' && this.#bar(done, count, `${title}: ${text}`);
    const often = state === 'open' && turns > 0 && h('p', { class: 'note' }, this.words.text('challenge_turns', { turns }));
    this.#showProgress(item, 'challenge-progress', text, bar, often);
  }

  #showMilestone({ milestone, title, amount, spent, missing, until }) {
    const item = this.#milestones.get(milestone);
    if (!item) return;
    const text = this.#missingOf(missing, until);
    this.#showProgress(item, 'milestone-progress', text, this.#bar(thousandths(spent), thousandths(amount), `${title}: ${text}`));
  }

  #showProgress(item, name, text, ...more) {
    this.#part(item, name)?.remove();
    item.append(h('div', { class: 'progress', [`data-loyalty-${name}`]: true }, h('p', { class: 'note' }, text), ...more));
  }

  #bar(value, max, label) {
    return h('progress', { max, value, 'aria-label': label });
  }

  #missingOf(missing, until) {
    const { words } = this;
    if (!Number(missing)) return words.text('milestone_reached');
    const money = words.money(missing);
    return until ? words.text('milestone_by', { money, date: words.day(until) }) : words.text('milestone_to_go', { money });
  }

  #progressOf(state, done, count, until) {
    const { words } = this;
    if (state !== 'open') return words.text('challenge_done');
    if (!until) return words.text('challenge_progress', { done, count });
    return words.text('challenge_by', { done, count, date: words.day(until) });
  }

  #showBadges(badges) {
    const place = this.panel.dialog.querySelector('[data-loyalty-badges]');
    if (!place) return;
    const items = badges.map(({ badge, at }) => h('li', {}, h('bdi', {}, badge), ' ', h('span', { class: 'note' }, h('time', { datetime: at }, this.words.date(at)))));
    place.querySelector('ul').replaceChildren(...items);
    place.hidden = !items.length;
  }

  #fill(item, { day, month }) {
    const { elements } = this.#part(item, 'way-form');
    if (elements.day.value || elements.month.value) return; // what is being chosen stays
    elements.day.value = day;
    elements.month.value = month;
  }

  #say(item, text) {
    const state = this.#part(item, 'way-state');
    state.textContent = text;
    state.hidden = !text;
    return state;
  }

  /** A link opens its page by itself; that it was opened is all that anybody can see. */
  #followed(item, { currentTarget }) {
    if (currentTarget.localName === 'a') this.#tell(item, {});
  }

  #sent(item, event) {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(event.target));
    this.#tell(item, item.dataset.kind === 'birthday' ? { day: Number(said.day), month: Number(said.month) } : said);
  }

  async #tell(item, said) {
    const { panel, words } = this;
    if (item.hasAttribute('aria-busy')) return;
    item.setAttribute('aria-busy', 'true');
    this.#problem(item, '');
    try {
      const done = await panel.api.act(item.dataset.loyaltyWay, said);
      await panel.changed();
      this.#thank(item, done);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const known = OVER.includes(error.code) ? 'way_over' : error.code === 'invalid' ? 'way_invalid' : null;
      this.#problem(item, known ? words.text(known) : words.error(error));
    } finally {
      item.removeAttribute('aria-busy');
    }
  }

  #thank(item, done) {
    const { panel, words } = this;
    const thanks = done.birthday ? words.text('way_saved')
      : done.state === 'waiting' ? words.text('way_waiting')
        : words.text('way_thanks', { points: words.points(done.points) });
    const form = this.#part(item, 'way-form');
    if (form) {
      form.closest('details').open = false;
      if (!done.birthday) form.reset();
    }
    this.#say(item, thanks).focus();
    panel.announce(thanks);
  }

  #problem(item, text) {
    const place = this.#part(item, 'way-problem') ?? this.#part(item, 'way-state');
    place.textContent = text;
    place.hidden = !text;
  }
}
