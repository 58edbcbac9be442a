/** "My rewards": what can be used, then what is over. */
import { ApiError } from './loyalty-api.js';
import { openOne, pastOne } from './loyalty-codes.js';
import { h } from './loyalty-kit.js';

export class Mine {
  #shown = '';

  constructor(panel, view) {
    this.panel = panel;
    this.view = view;
    this.open = h('div', {});
    this.past = h('div', { class: 'past', 'data-loyalty-past-list': true });
  }

  /** What is over is asked for when it is looked at. */
  render(redemptions, looked) {
    const shown = JSON.stringify(redemptions);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { panel } = this;
    this.open.replaceChildren(redemptions.length ? h('ul', { class: 'cards' }, ...redemptions.map((one) => openOne(one, panel))) : panel.empty('codes_empty'));
    this.view.replaceChildren(this.open, this.past);
    if (looked) this.showPast();
  }

  async showPast(before) {
    const { panel, past } = this;
    let page;
    try {
      page = await panel.api.get(before ? `redemptions?before=${encodeURIComponent(before)}` : 'redemptions');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return; // What can be used is there all the same.
    }
    const items = page.items.map((one) => pastOne(one, panel));
    const list = before ? past.querySelector('ul') : h('ul', { class: 'activity' });
    list.append(...items);
    const more = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-more-past': true }, panel.words.text('more'));
    more.addEventListener('click', () => this.showPast(page.next), { once: true });
    past.replaceChildren(...(list.children.length ? [h('h3', {}, panel.words.text('past')), list] : []), ...(page.next ? [more] : []));
    if (before) (page.next ? more : this.view).focus();
  }
}
