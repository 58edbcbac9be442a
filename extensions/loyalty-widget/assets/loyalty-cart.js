/**
 * The shop's cart, and what it means for the codes of a member. The cart alone decides whether a code counts; what is
 * reckoned here only says why it doesn't.
 * https://shopify.dev/docs/api/ajax/reference/cart
 */

/** What themes tell when they have changed the cart. There is no standard; these are the usual ones. */
const NEWS = ['cart:update', 'cart:updated', 'cart:change', 'cart:changed', 'cart:refresh'];
const HEADERS = { Accept: 'application/json', 'Content-Type': 'application/json' };

export class Cart {
  #watchers = new Map();

  /** `known()`: the redemptions whose codes are ours. */
  constructor(path, known) {
    this.path = path;
    this.known = known;
    const look = () => this.#watchers.size && this.read();
    for (const name of NEWS) document.addEventListener(name, look);
    // Another tab may have changed it meanwhile.
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look());
  }

  /** Calls `show` now and whenever the cart was read, as long as the element is in the page. */
  watch(element, show) {
    this.#watchers.set(element, show);
    show();
  }

  async read() {
    await this.#take(() => fetch(`${this.path}.js`, { headers: HEADERS }));
  }

  /** Adds a code to those that the cart has. Returns whether the cart took it. */
  async add(code) {
    await this.read();
    return this.#put([...this.#others(code), code]);
  }

  async remove(code) {
    await this.read();
    return this.#put(this.#others(code));
  }

  /** Shopify's shareable link of a code; it comes back to the cart. */
  link(code) {
    const back = new URLSearchParams({ redirect: this.path });
    return `${this.path.replace(/cart$/, '')}discount/${encodeURIComponent(code)}?${back}`;
  }

  /** `out`, `waiting` (the cart keeps it, and it doesn't count) or `counts`. */
  placeOf(code) {
    const held = this.#codes.find((one) => same(one.code, code));
    return !held ? 'out' : held.applicable ? 'counts' : 'waiting';
  }

  /** How much this code takes off the goods, in words, or nothing: shipping isn't in the cart yet. */
  saved(code, words) {
    const whole = this.now.cart_level_discount_applications ?? [];
    const ofLines = this.now.items.flatMap((line) => line.line_level_discount_allocations ?? []);
    const parts = [
      ...whole.filter((one) => same(one.title, code) && one.target_type !== 'shipping_line').map((one) => one.total_allocated_amount),
      ...ofLines.filter((one) => same(one.discount_application.title, code)).map((one) => one.amount),
    ];
    const cents = parts.reduce((sum, part) => sum + part, 0);
    return cents > 0 ? words.money(cents / 100, this.now.currency) : '';
  }

  /** What keeps a reward's code from counting, in words; `by`: the code in the cart that it can't be combined with. */
  hindrance(reward, words, code = '') {
    const held = this.#codes.find((one) => one.applicable && !same(one.code, code) && !combine(reward, this.#termsOf(one.code)));
    return held ? { by: held.code, text: words.text('cart_clash', { code: held.code }) } : { text: this.#unmet(reward, words) };
  }

  /** Which condition the cart doesn't meet, in words; empty when it meets all that can be judged here. */
  #unmet(reward, words) {
    if (!this.now) return '';
    const fitting = this.now.items.filter((line) => !line.gift_card && chosen(line, reward.on));
    const goods = fitting.filter((line) => bought(line, reward));
    const subtotal = goods.reduce((sum, line) => sum + line.original_line_price, 0);
    const pieces = goods.reduce((sum, line) => sum + line.quantity, 0);
    if (!this.now.items.length) return words.text('cart_empty');
    if (!fitting.length) return words.text('cart_goods');
    if (!goods.length) return words.text(reward.purchase === 'subscription' ? 'on_subscription' : 'on_one_time');
    if (reward.free && !this.now.items.some((line) => chosen(line, reward.free))) return words.text('cart_free');
    if (reward.minimum_quantity > pieces) return words.text('cart_quantity', { number: words.number(reward.minimum_quantity - pieces) });
    const missing = Math.round(reward.minimum_subtotal * 100) - subtotal;
    // In another currency than the program's nobody here knows the rate.
    if (missing > 0 && this.now.currency === words.program.currency) return words.text('cart_subtotal', { money: words.money(missing / 100) });
    return '';
  }

  get #codes() {
    return this.now?.discount_codes ?? [];
  }

  #others(code) {
    return this.#codes.map((held) => held.code).filter((held) => !same(held, code));
  }

  /** Of a code that isn't ours all that can be seen is what it lowers. */
  #termsOf(code) {
    const own = this.known().find((redemption) => redemption.code && same(redemption.code, code));
    if (own) return own.reward;
    const applied = (this.now.cart_level_discount_applications ?? []).find((one) => same(one.title, code));
    const ofLines = this.now.items.some((line) => line.line_level_discount_allocations?.some((one) => same(one.discount_application.title, code)));
    return { discount: ofLines ? 'product' : applied && applied.target_type !== 'shipping_line' ? 'order' : 'shipping' };
  }

  async #put(codes) {
    const body = JSON.stringify({ discount: codes.join(',') });
    return this.#take(() => fetch(`${this.path}/update.js`, { method: 'POST', headers: HEADERS, body }));
  }

  async #take(ask) {
    try {
      const response = await ask();
      const cart = await response.json();
      if (!response.ok || !cart.items || !cart.discount_codes) return false;
      this.now = cart;
    } catch {
      return false;
    }
    for (const [element, show] of [...this.#watchers]) {
      if (element.isConnected) show();
      else this.#watchers.delete(element);
    }
    return true;
  }
}

/** Codes are the same in any case. */
const same = (one, other) => one.toUpperCase() === other.toUpperCase();

/** As Shopify does it: each must allow the other's class, and there is one shipping discount in an order. */
function combine(one, other) {
  if (one.discount === 'shipping' && other.discount === 'shipping') return false;
  const allows = (mine, theirs) => mine.combines_with?.[theirs.discount] !== false;
  return allows(one, other) && allows(other, one);
}

/** Whether the reward is for goods that are bought in this way: once, or by subscription. */
function bought(line, { purchase }) {
  return !['one_time', 'subscription'].includes(purchase) || (purchase === 'subscription') === Boolean(line.selling_plan_allocation);
}

/** Whether a line is among a reward's goods. The cart doesn't tell collections and tags, so these may be. */
function chosen(line, on) {
  if (!on || on.collections?.length || on.product_tags?.length) return true;
  const named = (ids, id) => (ids ?? []).some((one) => String(one) === String(id));
  return named(on.products, line.product_id) || named(on.variants, line.variant_id) || named(on.vendors, line.vendor);
}
