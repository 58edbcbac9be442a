/** Small tools of the panel: elements, texts, numbers. */

/** Builds an element. Children become text nodes, so that no data is ever read as markup. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

/** Decimal text to whole thousandths: "1.00" -> 1000. Floats would lose cents. */
export function thousandths(decimal) {
  const [whole, fraction = ''] = String(decimal).split('.');
  return Number(whole) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
}

/** Texts of the shopper's language, with the program's names for points and its currency. */
export class Words {
  constructor(config, direction) {
    this.texts = config.texts;
    this.direction = direction;
    // Liquid prints Latin digits, so the panel does the same in every language.
    this.locale = `${config.language}-u-nu-latn`;
    this.program = config.program;
    this.moneyExample = config.money;
  }

  text(key, values = {}) {
    return this.#filled(key, values, (value) => this.#isolated(value));
  }

  #filled(key, values, shown) {
    return this.texts[key].replace(/\{(\w+)\}/g, (whole, name) => (values[name] == null ? whole : shown(values[name])));
  }

  /** The names of the values that a text needs. */
  asks(key) {
    return [...this.texts[key].matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  }

  /** In a sentence from right to left, names and numbers from left to right keep their order. */
  #isolated(value) {
    return this.direction === 'rtl' ? `\u2068${value}\u2069` : value;
  }

  has(key) {
    return key in this.texts;
  }

  number(amount) {
    return new Intl.NumberFormat(this.locale).format(amount);
  }

  unit(amount) {
    const { one, many } = this.program.points;
    return Math.abs(amount) === 1 ? one : many;
  }

  orders(number) {
    return this.text(number === 1 ? 'tier_order' : 'tier_orders', { number: this.number(number) });
  }

  points(amount) {
    return `${this.number(amount)} ${this.unit(amount)}`;
  }

  /** "Silver or Gold" */
  list(names) {
    return new Intl.ListFormat(this.locale, { type: 'disjunction' }).format(names);
  }

  country(code) {
    return new Intl.DisplayNames(this.locale, { type: 'region' }).of(code);
  }

  tier(id) {
    return this.program.tiers?.levels.find((level) => level.id === id)?.name ?? id;
  }

  /** Writes money as Liquid does in this shop, by the example that Liquid printed; other currencies as is usual. */
  money(decimal, currency = this.program.currency) {
    const [, before, group, point, digits, after] = this.moneyExample.match(/^(\D*)1(\D*)234(?:(\D)(0+))?(\D*)$/) ?? [];
    if (before !== undefined && currency === this.program.currency) {
      const [whole, fraction] = Number(decimal).toFixed(digits?.length ?? 0).split('.');
      return before + whole.replace(/\B(?=(\d{3})+$)/g, group) + (fraction ? point + fraction : '') + after;
    }
    const style = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' };
    return new Intl.NumberFormat(this.locale, style).format(decimal);
  }

  /** The day of a moment where the shopper is. */
  date(iso) {
    const moment = new Date(iso);
    return this.#written(moment.getFullYear(), moment.getMonth() + 1, moment.getDate());
  }

  /** A day of the shop's calendar. */
  day(iso) {
    return this.#written(...iso.slice(0, 10).split('-').map(Number));
  }

  /** As Liquid writes it (`snippets/loyalty-date.liquid`); its parts are of one direction, which is the date's. */
  #written(year, month, day) {
    const key = year === new Date().getFullYear() ? 'day' : 'day_year';
    return this.#filled(key, { day, month: this.texts.months.split(', ')[month - 1], year }, String);
  }

  /** In a `bdi`, as the program's names may be of another direction than the language. */
  cost(reward) {
    if (!reward.points) return h('bdi', {}, this.text('gift'));
    const points = this.points(reward.points);
    const text = reward.per ? this.text('cost_variable', { points, money: this.money(reward.per) }) : points;
    return h('bdi', {}, text);
  }

  error(error) {
    const key = `error_${error.code}`;
    return this.text(this.has(key) ? key : 'error_server');
  }
}
