/** A code that a member holds: shown, copied, applied to the cart, given back. */
import { ApiError, pause } from './loyalty-api.js';
import { h } from './loyalty-kit.js';

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

/** The code in large letters with what one does with it. */
export function codeBox(redemption, { words, config, announce }) {
  const code = h('p', { class: 'code-text', dir: 'ltr', 'data-loyalty-code-text': true }, redemption.code);
  const note = h('p', { class: 'note', 'data-loyalty-code-note': true });
  const say = (key) => {
    note.textContent = words.text(key);
    announce(words.text(key));
  };
  const copy = h('button', { class: 'button quiet', type: 'button', 'data-loyalty-copy': true }, words.text('copy'));
  copy.addEventListener('click', async () => say((await copied(code)) ? 'copied' : 'copy_failed'));
  const apply = h('button', { class: 'button', type: 'button', 'data-loyalty-apply': true }, words.text('apply'));
  const actions = h('div', { class: 'actions' }, apply, copy);
  apply.addEventListener('click', async () => {
    apply.setAttribute('aria-disabled', 'true');
    const outcome = await applyToCart(config.cart, redemption.code);
    apply.removeAttribute('aria-disabled');
    say(outcome);
    if (outcome === 'apply_failed') return;
    const cart = h('a', { class: 'button', href: config.cart, 'data-loyalty-cart': true }, words.text('view_cart'));
    apply.replaceWith(cart);
    cart.focus();
    document.dispatchEvent(new CustomEvent('loyalty:applied', { detail: { code: redemption.code } }));
  });
  const until = redemption.expires_at && h('p', { class: 'note' }, words.text('valid_until', { date: words.date(redemption.expires_at) }));
  return h('div', { class: 'code', 'data-loyalty-code': true }, h('p', { class: 'code-label' }, words.text('your_code')), code, actions, note, until);
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

/** Adds the code to those that already apply. Returns the text that describes what came of it. */
async function applyToCart(cart, code) {
  const json = { Accept: 'application/json', 'Content-Type': 'application/json' };
  try {
    const before = await (await fetch(`${cart}.js`, { headers: json })).json();
    const kept = (before.discount_codes ?? []).filter((held) => held.applicable && held.code !== code).map((held) => held.code);
    const body = JSON.stringify({ discount: [...kept, code].join(',') });
    const response = await fetch(`${cart}/update.js`, { method: 'POST', headers: json, body });
    if (!response.ok) return 'apply_failed';
    const after = await response.json();
    return after.discount_codes?.some((held) => held.code === code && held.applicable) ? 'applied' : 'applied_later';
  } catch {
    return 'apply_failed';
  }
}

/** One open redemption under "My codes". */
export function openCode(redemption, panel) {
  const { words } = panel;
  const item = h('li', { class: 'card', 'data-loyalty-redemption': redemption.id, 'data-state': redemption.state });
  const isGift = !redemption.points;
  const points = isGift ? words.text('gift') : words.points(redemption.points);
  const head = h('div', { class: 'card-head' }, h('h3', {}, h('bdi', {}, redemption.reward.title)), h('p', { class: 'cost' }, h('bdi', {}, points)));
  if (redemption.state === 'ending') item.append(head, h('p', { class: 'note' }, words.text(isGift ? 'gift_ending' : 'undo_later')));
  else if (!redemption.code) item.append(head, h('p', { class: 'note' }, words.text('code_coming')));
  else item.append(head, codeBox(redemption, panel), ...(isGift ? [] : [undoRow(redemption, panel)]));
  return item;
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
