/** Fills the panel: fetches what belongs to this shopper, and shows it in four tabs. */
import { Api, ApiError, Intents } from './loyalty-api.js';
import { Cart } from './loyalty-cart.js';
import { follow } from './loyalty-codes.js';
import { h, Words } from './loyalty-kit.js';
import { Mine } from './loyalty-mine.js';
import { byReach, isThere, RewardCard } from './loyalty-rewards.js';
import { Ways } from './loyalty-ways.js';

export class Panel {
  #cards = new Map();
  #following = new Map();
  #shownWay;
  #tabs = new BroadcastChannel('loyalty');

  constructor(host) {
    this.host = host;
    this.dialog = host.dialog;
    this.config = host.config;
    this.api = new Api(this.config.proxy);
    this.words = new Words(this.config, host.dir);
    this.announce = (text) => this.#part('status').replaceChildren(text);
    this.cart = new Cart(this.config.cart, () => this.me?.redemptions ?? []);
    this.ways = new Ways(this);
    this.mine = new Mine(this, this.#view('codes'));
    this.#wireTabs();
    this.#wireReferrals();
    this.dialog.addEventListener('keydown', (event) => this.#keepFocusInside(event));
    // Another tab of this browser has redeemed: what this one shows is out of date.
    this.#tabs.addEventListener('message', () => this.refresh());
  }

  /** The host has changed to another tab. */
  tabShown() {
    if (!this.me?.member) return;
    if (this.host.tab === 'activity') this.#renderActivity();
    if (this.host.tab === 'codes') this.mine.showPast();
  }

  /** Points or codes have changed: look again, here and in the other tabs. */
  async changed() {
    this.#tabs.postMessage('changed');
    await this.refresh();
  }

  focusView() {
    this.#view(this.host.tab).focus();
  }

  #part(name) {
    return this.dialog.querySelector(`[data-loyalty-${name}]`);
  }

  #view(name) {
    return this.dialog.querySelector(`[data-loyalty-view="${name}"]`);
  }

  async refresh() {
    try {
      const [me, program, more] = await Promise.all([this.#askForMe(), this.program ?? this.api.get('program'), this.more ?? this.api.get(this.config.words)]);
      this.me = me;
      this.more = Object.assign(this.words.texts, more);
      this.program = this.words.program = program;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#fail(error);
      return;
    }
    this.dialog.removeAttribute('data-failed');
    this.#part('failure').hidden = true;
    this.#keepFocus(() => this.#render());
    if (!this.me.member) return;
    await Promise.all([this.ways.refresh(), this.cart.read()]);
  }

  /** Fresh figures must not throw a keyboard's user out of the card that they are in. */
  #keepFocus(render) {
    const focused = this.host.shadowRoot.activeElement;
    const place = focused?.closest('[data-loyalty-reward]');
    render();
    if (!focused || focused.isConnected) return;
    (place?.querySelector('button') ?? this.#view(this.host.tab)).focus();
  }

  /** A customer whom the program doesn't know yet, such as one of a minute ago, joins by looking. */
  async #askForMe() {
    const me = await this.api.get('me');
    if (me.member || !this.config.customer || this.enrolled) return me;
    this.enrolled = true;
    await this.api.enrol();
    return this.api.get('me');
  }

  #fail(error) {
    const known = ['offline', 'no_answer', 'unauthorized', 'limit'].includes(error.code);
    this.dialog.setAttribute('data-failed', error.code);
    this.#part('failure-text').textContent = known ? this.words.error(error) : this.words.text('error_load');
    this.#part('failure').hidden = false;
  }

  #render() {
    const { member } = this.me;
    this.dialog.dataset.member = member ? 'yes' : 'no';
    if (!member) {
      this.#renderOffers();
      return;
    }
    this.intents ??= new Intents(member.id);
    this.#renderStanding(member);
    this.#renderWay(member);
    this.#renderFacts(member);
    this.#renderRewards();
    this.#awaitCodes();
    this.mine.render(this.me.redemptions, this.host.tab === 'codes');
    if (this.host.tab === 'activity') this.#renderActivity();
  }

  #renderOffers() {
    const { words } = this;
    const offers = this.program.rewards.filter((reward) => !reward.tiers?.length).map((reward) => h('li', {}, h('bdi', {}, reward.title), ' ', h('span', { class: 'cost' }, words.cost(reward))));
    this.#part('offers').replaceChildren(...offers);
  }

  #renderStanding({ points, tier }) {
    const { words } = this;
    this.#part('balance-number').textContent = words.number(points.available);
    this.#part('balance-unit').textContent = words.unit(points.available);
    this.#part('tier').hidden = !tier;
    this.#part('tier').textContent = tier?.name ?? '';
    const onLauncher = this.host.shadowRoot.querySelector('[data-loyalty-launcher-balance]');
    if (onLauncher) onLauncher.textContent = words.points(points.available);
  }

  /** What the page printed of the tier may be older than the answer. */
  #renderWay({ tier, next_tier: next }) {
    const printed = this.config.standing ?? {};
    const card = this.#part('tier-card');
    const wanted = JSON.stringify([tier, next]);
    this.#shownWay ??= JSON.stringify([printed.tier, printed.next_tier]);
    if (!card || this.#shownWay === wanted) return;
    this.#shownWay = wanted;
    const { words } = this;
    const amount = { spend: words.money, points: words.points, orders: words.orders }[next?.metric]?.call(words, next.missing);
    const values = { amount, tier: next?.name, date: next?.by && words.day(next.by) };
    const way = next && h('p', { 'data-loyalty-next-tier': true }, words.text(next.by ? 'tier_next_by' : 'tier_next', values));
    card.replaceChildren(...[tier && h('p', { 'data-loyalty-my-tier': true }, h('strong', {}, h('bdi', {}, tier.name))), way].filter(Boolean));
    card.hidden = !card.childElementCount;
  }

  #renderFacts({ points }) {
    const { words } = this;
    const fact = (name, text) => h('p', { class: 'fact', 'data-loyalty-fact': name }, text);
    const facts = [];
    if (points.debt) facts.push(fact('debt', words.text('debt', { points: words.points(Math.abs(points.debt)) })));
    const empty = !points.available && !points.pending && !points.reserved && !points.debt;
    if (empty) facts.push(fact('none', words.text('no_points')));
    facts.push(this.#nextReward(points.available));
    if (points.pending) facts.push(fact('pending', words.text('pending', { points: words.points(points.pending) })));
    if (points.reserved) facts.push(fact('reserved', words.text('reserved', { points: words.points(points.reserved) })));
    facts.push(...this.#cashback().map((text) => fact('cashback', text)));
    const expiring = this.config.standing?.expiring;
    if (expiring) facts.push(fact('expiring', words.text('expiring', { points: words.points(expiring.points), date: words.day(expiring.on) })));
    this.#part('facts').replaceChildren(...facts.filter(Boolean));
  }

  /** Where points become money by themselves, what they are as money. */
  #cashback() {
    const { words, me } = this;
    if (!me.cashback) return [];
    const [waits, coming, least] = ['waits', 'coming', 'least'].map((name) => Number(me.cashback[name]));
    const money = words.money(waits);
    return [
      waits > 0 && (waits < least ? words.text('cashback_from', { money, least: words.money(least) }) : words.text('cashback', { money })),
      coming > 0 && words.text('cashback_coming', { money: words.money(coming) }),
    ].filter(Boolean);
  }

  /** The dearest reward that can be had now, and the way to the next one. */
  #nextReward(available) {
    const { words } = this;
    const rewards = byReach(this.me.rewards).filter(isThere);
    const best = rewards.filter((reward) => reward.affordable).at(-1);
    const next = rewards.find((reward) => !reward.affordable);
    if (!best && !next) return null;
    const lines = [];
    if (next) {
      const text = words.text('next', { points: words.points(next.missing), reward: next.title });
      lines.push(h('p', { 'data-loyalty-next': true }, text), h('progress', { max: available + next.missing, value: available, 'aria-label': next.title }));
    }
    if (best) lines.push(h('p', {}, words.text('enough', { reward: best.title })));
    const open = h('button', { class: best ? 'button' : 'button quiet', type: 'button', onclick: () => this.#goTo('rewards') }, words.text('see_rewards'));
    return h('div', { class: 'card next' }, ...lines, open);
  }

  #renderRewards() {
    const view = this.#view('rewards');
    if (!this.me.rewards.length) {
      this.#cards.clear();
      view.replaceChildren(this.empty('rewards_empty'));
      return;
    }
    for (const reward of this.me.rewards) {
      const card = this.#cards.get(reward.id);
      if (card) card.update(reward);
      else this.#cards.set(reward.id, new RewardCard(this, reward));
    }
    const cards = byReach(this.me.rewards).map((reward) => this.#cards.get(reward.id));
    // Cards don't change places under the shopper's finger, and the one in hand keeps its focus.
    const [list] = view.querySelectorAll('ul');
    if (list?.children.length === cards.length && cards.every((card) => list.contains(card.element))) return;
    view.replaceChildren(h('ul', { class: 'cards' }, ...cards.map((card) => card.element)));
  }

  /** Waits for a code that is being made; card and list wait together. */
  follow(redemption, onWait) {
    const { id } = redemption;
    if (!this.#following.has(id)) this.#following.set(id, follow(this.api, redemption, onWait));
    return this.#following.get(id);
  }

  #awaitCodes() {
    for (const redemption of this.me.redemptions) if (redemption.state === 'reserved') this.#awaitCode(redemption);
  }

  async #awaitCode(redemption) {
    if (this.#following.has(redemption.id)) return;
    const last = await this.follow(redemption).catch(() => redemption);
    if (last.state !== 'reserved') await this.refresh();
  }

  async #renderActivity(cursor) {
    const view = this.#view('activity');
    let page;
    try {
      page = await this.api.get(cursor ? `activity?before=${encodeURIComponent(cursor)}` : 'activity');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#fail(error);
      return;
    }
    const items = page.items.map((item) => this.#activityItem(item));
    if (!cursor && !items.length) {
      view.replaceChildren(this.empty('activity_empty'));
      return;
    }
    const list = cursor ? view.querySelector('ul') : h('ul', { class: 'activity', 'data-loyalty-activity': true });
    list.append(...items);
    const more = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-more': true }, this.words.text('more'));
    more.addEventListener('click', () => this.#renderActivity(page.next), { once: true });
    view.replaceChildren(list, ...(page.next ? [more] : []));
    if (cursor) (page.next ? more : view).focus();
  }

  #activityItem({ at, points, text }) {
    const { words } = this;
    const sign = points > 0 ? '+' : points < 0 ? '−' : '';
    return h('li', {},
      h('div', {}, h('p', { dir: 'auto' }, text), h('p', { class: 'note' }, h('time', { datetime: at }, words.date(at)))),
      h('p', { class: points > 0 ? 'change gain' : 'change', dir: 'ltr' }, `${sign}${words.number(Math.abs(points))}`));
  }

  empty(key) {
    return h('p', { class: 'empty' }, this.words.text(key));
  }

  #goTo(name) {
    this.host.showTab(name);
    this.dialog.querySelector(`[data-loyalty-tab="${name}"]`).focus();
  }

  #wireTabs() {
    const names = [...this.dialog.querySelectorAll('[data-loyalty-tab]')].map((tab) => tab.dataset.loyaltyTab);
    const [forward, backward] = this.host.dir === 'rtl' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowRight', 'ArrowLeft'];
    this.#part('tabs').addEventListener('keydown', (event) => {
      const now = names.indexOf(this.host.tab);
      const index = { [forward]: now + 1, [backward]: now - 1, Home: 0, End: -1 }[event.key];
      if (index === undefined) return;
      event.preventDefault();
      this.#goTo(names.at(index % names.length));
    });
  }

  #wireReferrals() {
    const start = this.#part('invite-start');
    if (start) {
      start.addEventListener('click', () => this.#refer((referrals) => referrals.invite()));
      start.disabled = false; // until here a tap would have been lost
    }
    if (this.host.invitation) this.#refer((referrals) => referrals.welcome(this.host.invitation));
  }

  /** Only who invites, or was invited, needs the script for it. */
  async #refer(then) {
    try {
      const { Referrals } = await import(this.host.dataset.referrals);
      this.referrals ??= new Referrals(this);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what a failed import raises
      this.announce(this.words.text('error_load'));
      return;
    }
    await then(this.referrals);
  }

  /** A modal dialog lets Tab out into the browser's own controls; most shoppers expect it to come round. */
  #keepFocusInside(event) {
    if (event.key !== 'Tab') return;
    const stops = [...this.dialog.querySelectorAll('a[href], button:not([disabled]), summary, input, select, textarea, [tabindex="0"]')]
      .filter((stop) => stop.tabIndex >= 0 && stop.checkVisibility());
    const active = this.host.shadowRoot.activeElement;
    const [edge, other] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (active !== edge && !(event.shiftKey && !stops.includes(active))) return;
    event.preventDefault();
    other.focus();
  }
}
