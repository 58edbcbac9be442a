/* A change before it is saved: what differs, what is risky, what last month's orders would have earned. */

import { contentOf, saveFile, send, showErrors } from './panel.js';

const form = document.querySelector('form[data-send]');

for (const button of document.querySelectorAll('[data-change]')) {
  button.addEventListener('click', () => look(button));
}
for (const button of document.querySelectorAll('[data-change-file]')) {
  button.addEventListener('click', () => download(button));
}

const typed = () => (form ? contentOf(form) : {});

async function look(button) {
  if (button.loading) return;
  button.loading = true;
  const answer = await send(button.dataset.change, typed());
  button.loading = false;
  const place = document.getElementById(button.dataset.into);
  if (form) showErrors(form, answer.errors ?? {});
  else if (answer.errors) shopify.toast.show(Object.values(answer.errors).join(' '), { isError: true });
  place.hidden = !!answer.errors;
  for (const file of document.querySelectorAll('[data-change-file]')) {
    file.hidden = !(file.dataset.of === 'tiers' ? answer.tiers : answer.members?.length);
  }
  if (!answer.errors) place.replaceChildren(...parts(answer));
}

function* parts({ differences, risks, period, figures, members, tiers, assumed }) {
  if (!differences.length) {
    yield made('p', 'This is what the program says already.');
    yield* risksOf(risks);
    return;
  }
  yield made('h3', 'What changes');
  yield list(differences);
  yield* risksOf(risks);
  yield made('h3', `Orders ${period}`);
  yield made('dl', '', 'figures', figures.map(figure));
  if (members.length) yield scrolling(table(['Most changed', 'In force', 'Changed', 'Difference'], members));
  if (tiers) {
    yield made('h3', 'Tiers, as soon as it is saved');
    yield made('p', tiers.said);
    yield scrolling(table(['Member', 'Now', 'Then'], tiers.members));
  }
  yield made('details', '', '', [made('summary', 'How this was counted'), list(assumed)]);
}

function* risksOf(risks) {
  if (!risks.length) return;
  const banner = document.createElement('s-banner');
  banner.setAttribute('tone', 'warning');
  banner.setAttribute('heading', 'Is this meant?');
  banner.append(list(risks));
  yield banner;
}

function figure({ name, was, is, remark }) {
  const parts = [made('dt', name), made('dd', is, 'number')];
  if (was && was !== is) parts.push(made('dd', `instead of ${was}`, 'remark'));
  if (remark) parts.push(made('dd', remark, 'remark'));
  return made('div', '', 'figure', parts);
}

/** Of members: who, and then texts under the other headings. */
function table(headings, members) {
  const heads = headings.map((name, place) => {
    const head = made('th', name, place ? 'right' : '');
    head.scope = 'col';
    return head;
  });
  const rows = members.map(({ name, href, before, after, change }) => {
    const link = made('a', name);
    link.href = href;
    const cells = [before, after, change].filter((text) => text !== undefined).map((text) => made('td', text, 'right'));
    return made('tr', '', '', [made('td', '', '', [link]), ...cells]);
  });
  return made('table', '', '', [made('thead', '', '', [made('tr', '', '', heads)]), made('tbody', '', '', rows)]);
}

/** Reached by the keyboard, as it may be wider than a telephone. */
function scrolling(inner) {
  const place = made('div', '', 'scroll', [inner]);
  place.tabIndex = 0;
  place.setAttribute('role', 'group');
  place.setAttribute('aria-label', 'Members');
  return place;
}

function list(sentences) {
  return made('ul', '', 'plain dots', sentences.map((text) => made('li', text)));
}

/** An element with a text, or with others in it. */
function made(name, text, kind = '', inner = []) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  if (text) {
    element.textContent = text;
    element.dir = 'auto';
  }
  element.append(...inner);
  return element;
}

async function download(button) {
  button.loading = true;
  await saveFile(button.dataset.changeFile, button.dataset.name, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(typed()),
  });
  button.loading = false;
}
