/** What a member has redeemed: shown, copied, put into the cart, given back. */
import { ApiError, pause } from './loyalty-api.js';
import { h } from './loyalty-kit.js';
import { conditions, listed, ofKind } from './loyalty-terms.js';

const ASK_AGAIN_AFTER_MS = [500, 1_000, 2_000, 3_000, 5_000, 8_000, 13_000, 20_000, 30_000];
const PASSING = ['no_answer', 'offline', 'server', 'limit'];

/** Asks with growing gaps until the code is made or refused; gives up quietly, as the code also shows up later. */
export async function follow(api, redemption, onWait = () => {}) {
  let latest = redemption;
  for (const [round, wait] of ASK_AGAIN_AFTER_MS.entries()) {
    if (latest.state !== 'reserved') break;
    await pause(wait);
    onWait(round);
    try {
      latest = await api.get(`redemptions/${encodeURIComponent(redemption.id)}`);
    } catch (error) {
      if (!(error instanceof ApiError) || !PASSING.includes(error.code)) throw error;
    }
  }
  return latest;
}

/** What there is of it now: a code, or a sentence; with the way back, while there is one. */
export function got(redemption, panel) {
  const { words } = panel;
  const sentence = ofKind('given', { ...redemption.reward, value: redemption.value ?? redemption.reward.value }, words);
  return [
    sentence && h('p', { 'data-loyalty-given': true }, sentence),
    redemption.code && codeBox(redemption, panel),
    redemption.state === 'issued' && redemption.points > 0 && undoRow(redemption, panel),
  ].filter(Boolean);
}

/** The code in large letters with what one does with it. */
export function codeBox(redemption, panel) {
  const { words, announce } = panel;
  const code = h('p', { class: 'code-text', dir: 'ltr', 'data-loyalty-code-text': true }, redemption.code);
  const note = h('p', { class: 'note', 'data-loyalty-code-note': true });
  const copy = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-copy': true }, words.text('copy'));
  copy.addEventListener('click', async () => {
    const text = words.text((await copied(code)) ? 'copied' : 'copy_failed');
    note.textContent = text;
    announce(text);
  });
  const until = redemption.expires_at && words.text('valid_until', { date: words.date(redemption.expires_at) });
  const terms = [until, ...conditions(redemption.reward, words)].filter(Boolean);
  const actions = h('div', { class: 'actions' }, copy);
  const box = h('div', { class: 'code', 'data-loyalty-code': true },
    h('p', { class: 'code-label' }, words.text('your_code')), code, actions, note,
    listed(terms));
  if (redemption.reward.discount) actions.before(inCart(redemption, panel, actions));
  return box;
}

/** Copies what an element says, or a field holds; whether that worked. */
export async function copied(node) {
  if (navigator.clipboard) {
    const wrote = await navigator.clipboard.writeText(node.value ?? node.textContent).then(() => true, () => false);
    if (wrote) return true;
  }
  // Without the clipboard's permission: select the text, so that the shopper's own copy command works.
  if (node.select) node.select();
  else getSelection().selectAllChildren(node);
  return document.execCommand('copy');
}

/** What the cart makes of a code, and what can be done about it: its buttons come first among `actions`. */
function inCart({ code, reward }, { words, cart, announce }, actions) {
  const state = h('p', { class: 'in-cart', 'data-loyalty-in-cart': true });
  const [copy] = actions.children;
  const add = () => h('button', { class: 'button', type: 'button', 'data-loyalty-apply': true, onclick: change(() => cart.add(code), 'loyalty:applied') }, words.text('apply'));
  const remove = () => h('button', { class: 'button quiet', type: 'button', 'data-loyalty-remove': true, onclick: change(() => cart.remove(code), 'loyalty:removed') }, words.text('remove'));
  const view = () => h('a', { class: 'button', href: cart.path, 'data-loyalty-cart': true }, words.text('view_cart'));
  // Where the cart's own address doesn't do it, Shopify's link keeps the code for the checkout.
  const link = () => h('a', { class: 'button', href: cart.link(code), 'data-loyalty-link': true }, words.text('apply'));
  const change = (work, event) => async ({ currentTarget }) => {
    currentTarget.setAttribute('aria-disabled', 'true');
    if (await work()) document.dispatchEvent(new CustomEvent(event, { detail: { code } }));
    else show(words.text('apply_failed'), link(), copy);
    announce(state.textContent);
  };
  const show = (text, ...buttons) => {
    const inHand = actions.querySelector(':focus');
    state.textContent = text;
    state.hidden = !text;
    actions.replaceChildren(...buttons);
    if (inHand) (inHand.isConnected ? inHand : actions.firstChild).focus();
  };
  cart.watch(state, () => {
    const place = cart.placeOf(code);
    state.dataset.place = place;
    if (place === 'counts') {
      const money = cart.saved(code, words);
      show(money ? words.text('cart_saves', { money }) : words.text('applied'), view(), remove());
      return;
    }
    const { by, text } = cart.hindrance(reward, words, code);
    if (place === 'waiting') show(text || words.text('applied_later'), view(), remove());
    else show(text, ...(by ? [] : [add()]), copy);
  });
  return state;
}

/** One open redemption under "My rewards". */
export function openOne(redemption, panel) {
  const { words } = panel;
  const item = h('li', { class: 'card', 'data-loyalty-redemption': redemption.id, 'data-state': redemption.state });
  const cost = h('p', { class: 'cost' }, words.cost({ points: redemption.points }));
  item.append(h('div', { class: 'card-head' }, h('h3', {}, ...named(redemption, words)), cost));
  if (redemption.state === 'ending') item.append(h('p', { class: 'note' }, words.text(redemption.points ? 'undo_later' : 'gift_ending')));
  else if (redemption.state === 'reserved') item.append(h('p', { class: 'note' }, words.text('code_coming')));
  else item.append(...got(redemption, panel));
  return item;
}

/** One that is over: what became of it, and when. */
export function pastOne(redemption, { words }) {
  const { id, state, changed_at: at, points } = redemption;
  const became = words.has(`past_${state}`) ? words.text(`past_${state}`) : '';
  return h('li', { 'data-loyalty-past': id, 'data-state': state },
    h('div', {}, h('p', {}, ...named(redemption, words)),
      h('p', { class: 'note' }, became, ' ', h('time', { datetime: at }, words.date(at)))),
    h('p', { class: 'cost' }, words.cost({ points })));
}

/** Of a reward whose size was chosen, what was chosen. */
function named({ reward, value }, words) {
  return [h('bdi', {}, reward.title), ...(reward.per && value ? [': ', h('bdi', {}, words.money(value))] : [])];
}

function undoRow(redemption, panel) {
  const { words } = panel;
  const row = h('div', { class: 'undo' });
  const offer = () => {
    const button = h('button', { class: 'link', type: 'button', 'data-loyalty-undo': true, onclick: ask }, words.text('undo'));
    row.replaceChildren(button);
    return button;
  };
  const ask = () => {
    const yes = h('button', { class: 'button', type: 'button', 'data-loyalty-undo-yes': true }, words.text('undo_yes'));
    const no = h('button', { class: 'button quiet', type: 'button', onclick: () => offer().focus() }, words.text('undo_no'));
    yes.addEventListener('click', () => giveBack(yes));
    const question = words.text('undo_ask', { points: words.points(redemption.points) });
    row.replaceChildren(h('p', {}, question), h('div', { class: 'actions' }, yes, no));
    yes.focus();
  };
  const giveBack = async (button) => {
    button.disabled = true;
    try {
      const { state } = await panel.api.undo(redemption.id);
      if (redemption.code && panel.cart.placeOf(redemption.code) !== 'out') await panel.cart.remove(redemption.code);
      panel.announce(words.text(state === 'cancelled' ? 'undone' : 'undo_later'));
      await panel.changed();
      panel.focusView();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const text = error.answered && error.code !== 'unauthorized' ? words.text('error_undo') : words.error(error);
      row.replaceChildren(h('p', { class: 'problem', role: 'alert' }, text));
    }
  };
  offer();
  return row;
}
