/** Invitations: the member's link to share, and the gift of a friend who followed one. */
import { ApiError, pause, randomKey, whereStorageWorks } from './loyalty-api.js';
import { codeBox, copied } from './loyalty-codes.js';
import { h } from './loyalty-kit.js';

const ASK_AGAIN_AFTER_MS = [1_000, 2_000, 3_000, 5_000, 8_000, 13_000];
/** Of what the app refuses: what another try can't change. */
const OVER = ['conflict', 'not_found'];

export class Referrals {
  constructor(panel) {
    this.panel = panel;
    this.words = panel.words;
  }

  // -- the member ------------------------------------------------------------------------------------------

  async invite() {
    const { panel } = this;
    const place = this.#part('invite-body');
    const start = this.#part('invite-start');
    start.setAttribute('aria-disabled', 'true');
    try {
      const found = await panel.api.link();
      place.replaceChildren(...(found.code ? this.#sharing(found) : [this.#note('invite_blocked')]), this.#friends(found.friends));
      place.querySelector('input, p').focus();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      start.removeAttribute('aria-disabled');
      this.#problem(this.#part('invite-problem'), this.words.error(error));
    }
  }

  #sharing({ code, reward }) {
    const { words } = this;
    const link = `${new URL(this.panel.config.home, location.origin)}?ref=${code}`;
    const message = words.text('invite_message', { reward: reward.title, link });
    const input = h('input', { type: 'url', readonly: true, value: link, dir: 'ltr', id: 'loyalty-invite-link', 'data-loyalty-invite-link': true });
    input.addEventListener('focus', () => input.select());
    const copy = h('button', { class: 'button', type: 'button', 'data-loyalty-invite-copy': true }, words.text('copy'));
    const note = h('p', { class: 'note' });
    copy.addEventListener('click', async () => {
      note.textContent = words.text((await copied(input)) ? 'invite_copied' : 'copy_failed');
      this.panel.announce(note.textContent);
    });
    const mail = h('a', { class: 'button quiet', href: `mailto:?body=${encodeURIComponent(message)}`, 'data-loyalty-invite-mail': true }, words.text('invite_mail'));
    const share = navigator.share && h('button', { class: 'button quiet', type: 'button', 'data-loyalty-invite-share': true }, words.text('invite_share'));
    // Who closes the sheet again has done nothing wrong.
    if (share) share.addEventListener('click', () => navigator.share({ text: message }).catch(() => {}));
    const label = h('label', { for: 'loyalty-invite-link' }, words.text('invite_link'));
    return [h('div', { class: 'form' }, label, input, h('div', { class: 'actions' }, copy, mail, share)), note];
  }

  #friends(friends) {
    const { words } = this;
    if (!friends.length) return this.#note('invite_none');
    const items = friends.map(({ at, state, points }) => h('li', { 'data-state': state },
      h('time', { datetime: at }, words.date(at)), ' ',
      h('span', { class: 'note' }, words.text(`invite_${state}`, { points: words.points(points) }))));
    return h('ul', { class: 'friends', 'data-loyalty-friends': true }, ...items);
  }

  #note(key) {
    return h('p', { class: 'note', tabindex: '-1' }, this.words.text(key));
  }

  // -- the friend ------------------------------------------------------------------------------------------

  /** What isn't open is not there: nothing is shown, and nothing said. */
  async welcome(code) {
    this.code = code;
    this.place = this.#part('invitation');
    try {
      await this.panel.api.visit(code);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return;
    }
    this.kept = this.#remembered();
    this.place.hidden = false;
    if (this.kept.code) this.#show(this.kept);
    else this.#part('invitation-form').addEventListener('submit', (event) => this.#sent(event));
  }

  async #sent(event) {
    event.preventDefault();
    const { panel, words } = this;
    const form = event.target;
    const place = this.#part('invitation-problem');
    if (form.hasAttribute('aria-busy')) return;
    form.setAttribute('aria-busy', 'true');
    this.#problem(place, '');
    try {
      panel.announce(words.text('working'));
      const claim = await this.#take({ ...Object.fromEntries(new FormData(form)), key: this.kept.key });
      if (claim.code) this.#show(claim, true);
      else this.#problem(place, words.text(claim.state === 'failed' ? 'error_server' : 'slow'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const known = OVER.includes(error.code) ? 'way_over' : error.code === 'invalid' ? 'way_invalid' : null;
      if (known) this.#forget();
      this.#problem(place, known ? words.text(known) : words.error(error));
    } finally {
      form.removeAttribute('aria-busy');
    }
  }

  /** Asks with growing gaps until the code is made. */
  async #take(said) {
    let claim = await this.panel.api.claim(this.code, said);
    for (const wait of ASK_AGAIN_AFTER_MS) {
      if (claim.state !== 'reserved') break;
      await pause(wait);
      claim = await this.panel.api.claim(this.code, said);
    }
    return claim;
  }

  #show(claim, isNew) {
    const box = codeBox(claim, this.panel);
    this.#part('invitation-form').replaceWith(box);
    if (!isNew) return;
    whereStorageWorks((storage) => storage.setItem(this.#name, JSON.stringify({ ...this.kept, code: claim.code, reward: claim.reward, expires_at: claim.expires_at })));
    this.panel.announce(`${this.words.text('your_code')}: ${claim.code}`);
    box.querySelector('[data-loyalty-copy]').focus();
  }

  /** The key of this friend's wish, and the code once there is one: a reload is no other wish. */
  #remembered() {
    const text = whereStorageWorks((storage) => storage.getItem(this.#name));
    if (text) return JSON.parse(text);
    const fresh = { key: randomKey() };
    whereStorageWorks((storage) => storage.setItem(this.#name, JSON.stringify(fresh)));
    return fresh;
  }

  /** A refused wish is over: the next one, with another address, is another. */
  #forget() {
    whereStorageWorks((storage) => storage.removeItem(this.#name));
    this.kept = this.#remembered();
  }

  get #name() {
    return `loyalty:friend:${this.code}`;
  }

  #part(name) {
    return this.panel.dialog.querySelector(`[data-loyalty-${name}]`);
  }

  #problem(place, text) {
    place.textContent = text;
    place.hidden = !text;
  }
}
