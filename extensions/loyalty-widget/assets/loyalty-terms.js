/** What a reward gives and asks for, in the shopper's language. */
import { h } from './loyalty-kit.js';

/** By setting: its sentence, where the reward has that setting. Settings that aren't listed are not spoken of. */
const CONDITIONS = {
  minimum_subtotal: (least, words) => words.text('minimum', { money: words.money(least) }),
  minimum_quantity: (least, words) => words.text('minimum_quantity', { number: words.number(least) }),
  on: (on, words) => words.text('on', { names: names(on, words) }),
  purchase: (purchase, words) => purchase === 'subscription' && words.text('on_subscription'),
  countries: (codes, words) => words.text('on', { names: words.list(codes.map((code) => words.country(code))) }),
  maximum_price: (most, words) => words.text('maximum_price', { money: words.money(most) }),
  tiers: (ids, words) => words.text('tiers', { tiers: words.list(ids.map((id) => words.tier(id))) }),
  per_member: (most, words) => words.text('limit', { number: words.number(most) }),
  closes: until,
  ends: until,
};
const AT_LENGTH = {
  ...CONDITIONS,
  valid_days: lasts,
  credit_days: lasts,
  card_days: lasts,
  terms: (terms) => terms,
};

export function conditions(reward, words, sentences = CONDITIONS) {
  return Object.entries(sentences)
    .filter(([name]) => reward[name] != null)
    .map(([name, say]) => say(reward[name], words))
    .filter(Boolean);
}

/** What there is to say of a reward before it is redeemed: all, or what one chooses by. */
export function about(reward, words, atLength) {
  return [...latest(reward, words), ofKind('gives', reward, words), reward.about, ...conditions(reward, words, atLength ? AT_LENGTH : CONDITIONS)].filter(Boolean);
}

/**
 * A sentence of the reward's kind: `gives_KIND` before it is redeemed, `given_KIND` after. Empty where the language
 * has none, or the reward lacks something that it speaks of: the title then has to do.
 */
export function ofKind(group, reward, words) {
  // What is handed over in several ways has a sentence for each but the usual one.
  const way = ['manual', undefined].includes(reward.fulfilment) ? '' : `_${reward.fulfilment}`;
  const key = `${group}_${reward.kind}${way}`;
  const values = {
    money: reward.value && words.money(reward.value),
    percent: reward.percent,
    name: reward.cause ?? reward.prize ?? (reward.free && names(reward.free, words)),
    number: reward.quantity && words.number(reward.quantity),
  };
  return words.has(key) && words.asks(key).every((name) => values[name]) ? words.text(key, values) : '';
}

/** What changes from hour to hour about a reward, in words. */
export function latest({ left, place, kept_until: kept, given, entries, state, ...reward }, words) {
  const { own_entries: own = [], winning_entries: winners = [] } = reward;
  const drawn = state === 'drawn' && own.some((entry) => winners.includes(entry)) ? 'won' : state;
  return [
    kept ? words.text('kept', { date: words.date(kept) })
      : left != null && (left > 0 ? words.text('left', { number: words.number(left) }) : words.text('none_left')),
    !kept && place && words.text('in_line', { number: words.number(place) }),
    given != null && words.text('donated', { money: words.money(given) }),
    entries != null && words.text('entries', { number: words.number(entries), own: words.number(own.length) }),
    words.has(`draw_${drawn}`) && words.text(`draw_${drawn}`),
  ].filter(Boolean);
}

function until(moment, words) {
  return words.text('closes', { date: words.day(moment) });
}

function lasts(days, words) {
  return words.text('valid_days', { days: words.number(days) });
}

/** Names of the goods, where the shop has told them. */
function names(on, words) {
  const known = on.names ?? on.vendors ?? [];
  return known.length ? words.list(known) : words.text('selected');
}

export function listed(sentences) {
  return sentences.length > 0 && h('ul', { class: 'terms', 'data-loyalty-terms': true }, ...sentences.map((text) => h('li', { dir: 'auto' }, text)));
}
