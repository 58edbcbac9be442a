/** What earns points beside orders: the links and forms that Liquid printed, shown as far as this shopper is with them. */
import { ApiError } from './loyalty-api.js';

/** Of what the app refuses: what another try can't change. */
const OVER = ['conflict', 'not_found'];

export class Ways {
  #items = new Map();

  constructor(panel) {
    this.panel = panel;
    this.words = panel.words;
    for (const state of panel.dialog.querySelectorAll('[data-loyalty-way-state]')) {
      const item = state.closest('[data-loyalty-way]');
      this.#items.set(item.dataset.loyaltyWay, item);
      this.#part(item, 'do')?.addEventListener('click', (event) => this.#followed(item, event));
      this.#part(item, 'way-form')?.addEventListener('submit', (event) => this.#sent(item, event));
    }
  }

  /** Asks how far this shopper is; without an answer nothing is offered. */
  async refresh() {
    if (!this.#items.size) return;
    try {
      const { ways } = await this.panel.api.get('ways');
      for (const way of ways) this.#show(way);
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
