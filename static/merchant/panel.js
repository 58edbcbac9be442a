/* What every page of the panel does: links with a fresh ID token, forms and buttons by fetch, errors at their
   fields, toasts. No cookies and no storage: both may be blocked inside the admin's frame. App Bridge adds the
   bearer token to each fetch. */

const kept = ['shop', 'host', 'embedded', 'locale'];
const field = (form, name) => [...form.querySelectorAll('[name]')].find((one) => one.getAttribute('name') === name);

// -- going from page to page ------------------------------------------------------------------------------

cleanAddress();
document.addEventListener('click', followLink, true);

/** The token was for this load only; it doesn't belong into history or copied addresses. */
function cleanAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has('id_token')) return;
  address.searchParams.delete('id_token');
  history.replaceState(history.state, '', address);
}

/** A document can't carry a header, so a link takes the token in its address. */
export async function go(address) {
  const target = new URL(address, location.href);
  const here = new URLSearchParams(location.search);
  for (const name of kept) if (here.has(name)) target.searchParams.set(name, here.get(name));
  const token = await shopify.idToken().catch(() => ''); // without one, the server asks for it itself
  if (token) target.searchParams.set('id_token', token);
  location.assign(target);
}

function followLink(event) {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.composedPath().find((node) => node instanceof Element && node.getAttribute('href'));
  if (!isPlain || !link || (link.getAttribute('target') || '_self') !== '_self') return;
  const target = new URL(link.getAttribute('href'), location.href);
  if (target.origin !== location.origin || !target.pathname.startsWith('/app/')) return;
  event.preventDefault();
  event.stopPropagation();
  leave(target);
}

async function leave(target) {
  await shopify.saveBar?.leaveConfirmation?.();
  go(target);
}

// -- sending ----------------------------------------------------------------------------------------------

/** What the fields of a form say: texts as they were typed, switches as true or false, ticked choices as a list. */
export function contentOf(form) {
  const content = {};
  for (const one of form.querySelectorAll('[name]')) {
    content[one.getAttribute('name')] = saidBy(one);
  }
  return content;
}

function saidBy(one) {
  if (one.localName === 's-switch' || one.localName === 's-checkbox') return one.checked;
  return one.localName === 's-choice-list' ? one.values : one.value ?? '';
}

/** POST as JSON; answers {ok, ...} or {errors}. A network that fails is an error of the form as a whole. */
export async function send(address, content, options = {}) {
  try {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(content),
      ...options,
    });
    const body = await answer.json();
    if (answer.ok || body.errors) return body;
    return { errors: { '': body.error?.message || 'That did not work. Please try again.' } };
  } catch (problem) {
    if (problem.name === 'AbortError') throw problem;
    return { errors: { '': 'The app could not be reached. What you typed is still here; please try again.' }, again: true };
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.hasAttribute('data-go')) {
    event.preventDefault();
    go(`${form.getAttribute('action')}?${new URLSearchParams(contentOf(form))}`);
  }
  if (form.hasAttribute('data-send')) {
    event.preventDefault();
    sendForm(form);
  }
});

async function sendForm(form) {
  if (form.dataset.sending) return;
  form.dataset.sending = 'yes';
  setBusy(form, true);
  showErrors(form, {});
  const answer = await send(form.getAttribute('action'), contentOf(form));
  delete form.dataset.sending;
  setBusy(form, false);
  if (answer.errors) showErrors(form, answer.errors);
  if (answer.again && form.hasAttribute('data-save-bar')) offerAgain(form);
  if (!answer.errors) finish(answer);
}

/** The save bar went with the first try, and comes back only when something is typed. */
function offerAgain(form) {
  const button = document.createElement('s-button');
  button.setAttribute('type', 'submit');
  button.textContent = 'Try again';
  form.querySelector('.form-problem').append(' ', button);
}

function setBusy(form, isBusy) {
  for (const button of form.querySelectorAll('s-button[type="submit"]')) button.loading = isBusy;
  shopify.loading?.(isBusy);
}

/** Each sentence at its field; the one for the whole form above it. The first wrong field gets the cursor. */
export function showErrors(form, errors) {
  const problem = form.querySelector('.form-problem');
  const homeless = [];
  for (const one of form.querySelectorAll('[error]')) one.removeAttribute('error');
  let first = null;
  for (const [name, sentence] of Object.entries(errors)) {
    const home = name && field(form, name);
    if (!home || home.type === 'hidden') homeless.push(sentence);
    else {
      home.setAttribute('error', sentence);
      first ??= home;
    }
  }
  problem.hidden = !homeless.length;
  problem.textContent = homeless.join(' ');
  if (first) first.focus();
  else if (homeless.length) problem.scrollIntoView({ block: 'nearest' });
}

/** `pause`: seconds that the work behind the answer needs until the page can show it. */
function finish({ toast, go: address, pause = 0 }) {
  if (toast) shopify.toast.show(toast);
  if (address) setTimeout(() => go(address), pause * 1000);
}

// -- parts of a form that can be switched off ---------------------------------------------------------------

document.addEventListener('change', (event) => showPart(event.target));
document.addEventListener('reset', (event) => setTimeout(() => event.target.querySelectorAll('[data-opens]').forEach(showPart)));

function showPart(toggle) {
  const { opens } = toggle.dataset ?? {};
  if (opens) toggle.closest('form').querySelector(`[data-part="${opens}"]`).hidden = !toggle.checked;
}

// -- buttons ----------------------------------------------------------------------------------------------

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-post], [data-submit]');
  if (!button) return;
  if (button.dataset.submit) document.getElementById(button.dataset.submit).requestSubmit();
  else post(button);
});

async function post(button) {
  if (button.loading) return;
  button.loading = true;
  const answer = await send(button.dataset.post, JSON.parse(button.dataset.body || '{}'));
  button.loading = false;
  if (answer.errors) shopify.toast.show(Object.values(answer.errors).join(' '), { isError: true });
  else finish(answer);
}

// -- files --------------------------------------------------------------------------------------------------

/** Fetches a file and hands it to the browser: a download by link would carry no token. */
export async function saveFile(address, name, options = {}) {
  const answer = await fetch(address, options).catch(() => null);
  if (!answer?.ok) {
    shopify.toast.show('The file could not be fetched. Please try again.', { isError: true });
    return;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// -- a look at what is typed, before it is saved ----------------------------------------------------------

const previewPause = 250;

/** Sends the form's content to `data-preview` while one types, and hands what comes back to `show`. */
export function preview(form, show) {
  let timer, running;
  form.addEventListener('input', later);
  form.addEventListener('change', later);
  form.addEventListener('reset', () => setTimeout(later));
  if (form.contains(document.activeElement)) later(); // whoever is quick has typed before this script came

  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, previewPause);
  }

  async function ask() {
    running?.abort();
    running = new AbortController();
    try {
      show(await send(form.dataset.preview, contentOf(form), { signal: running.signal }));
    } catch (problem) {
      if (problem.name !== 'AbortError') throw problem;
    }
  }
}
