/* The admin's side of App Bridge: answers the framed app's calls, draws save bar and toasts, keeps the address. */
(() => {
  'use strict';

  const $ = (selector) => document.querySelector(selector);
  const frame = $('[data-app-frame]');
  const appOrigin = frame.dataset.appOrigin;
  const appHome = frame.dataset.appHome; // path of the app's first page, with a slash at its end
  const frameHome = '/admin/apps/loyalty';
  let hasUnsavedChanges = false;
  let confirmDiscard = false;

  function tellApp(name, value) {
    frame.contentWindow.postMessage({ appBridge: 'event', name, value }, appOrigin);
  }

  async function getJson(address, options) {
    const answer = await fetch(address, { headers: { 'X-Requested-With': 'frame' }, ...options });
    if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
    return answer.json();
  }

  // -- what the app may ask for -----------------------------------------------------------------------------

  const answers = {
    idToken: async () => (await getJson('/admin/apps/loyalty/id-token', { method: 'POST' })).token,
    user: () => getJson('/admin/apps/loyalty/user'),
    'app.extensions': () => getJson('/admin/apps/loyalty/extensions'),
    'scopes.query': () => getJson('/admin/apps/loyalty/scopes'),
    'scopes.request': requestScopes,
    'scopes.revoke': async (scopes) => ({ detail: await changeScopes({ revoke: scopes }) }),
    resourcePicker: (options) => window.pickResources(options, getJson),
    'toast.show': showToast,
    'toast.hide': (id) => document.getElementById(id)?.remove(),
    'saveBar.show': ({ confirmDiscard: ask }) => { confirmDiscard = ask; setSaveBar(true); },
    'saveBar.hide': () => setSaveBar(false),
    'saveBar.leaveConfirmation': mayLeave,
    loading: (isLoading) => { $('[data-progress]').hidden = !isLoading; },
    page: showPage,
  };

  window.addEventListener('message', async (event) => {
    if (event.source !== frame.contentWindow || event.origin !== appOrigin || event.data?.appBridge !== 'call') return;
    const { id, name, values } = event.data;
    const reply = (rest) => frame.contentWindow.postMessage({ appBridge: 'answer', id, ...rest }, appOrigin);
    if (!Object.hasOwn(answers, name)) return reply({ error: `The sandbox does not know ${name}` });
    try {
      reply({ value: await answers[name](...values) });
    } catch (error) {
      reply({ error: error.message });
    }
  });

  // -- save bar ---------------------------------------------------------------------------------------------

  function setSaveBar(isShown) {
    hasUnsavedChanges = isShown;
    $('[data-save-bar]').hidden = !isShown;
  }

  /** Asks when something would be lost; true when one may leave. */
  function mayLeave() {
    if (!hasUnsavedChanges) return Promise.resolve(true);
    const dialog = $('[data-leave]');
    dialog.showModal();
    return new Promise((resolve) => {
      $('[data-go]').onclick = () => { setSaveBar(false); resolve(true); dialog.close(); };
      $('[data-stay]').onclick = () => dialog.close();
      dialog.onclose = () => resolve(false);
    });
  }

  $('[data-save]').addEventListener('click', () => tellApp('saveBar.save'));
  $('[data-discard]').addEventListener('click', async () => {
    if (confirmDiscard && !(await mayLeave())) return;
    setSaveBar(false);
    tellApp('saveBar.discard');
  });

  // -- permissions ------------------------------------------------------------------------------------------

  function changeScopes(content) {
    const headers = { 'Content-Type': 'application/json', 'X-Requested-With': 'frame' };
    return getJson('/admin/apps/loyalty/scopes', { method: 'POST', headers, body: JSON.stringify(content) });
  }

  /** The merchant is asked; whoever closes the question has declined. */
  function requestScopes(scopes) {
    const dialog = $('[data-permissions]');
    $('[data-wanted]').replaceChildren(...scopes.map((scope) => {
      const entry = document.createElement('li');
      entry.textContent = scope;
      return entry;
    }));
    dialog.showModal();
    return new Promise((resolve, reject) => {
      let isGranted = false;
      $('[data-allow]').onclick = () => { isGranted = true; dialog.close(); };
      $('[data-decline]').onclick = () => dialog.close();
      dialog.onclose = () => (isGranted ? changeScopes({ grant: scopes }) : getJson('/admin/apps/loyalty/scopes'))
        .then((detail) => resolve({ result: isGranted ? 'granted-all' : 'declined-all', detail }), reject);
    });
  }

  // -- toasts -----------------------------------------------------------------------------------------------

  function showToast({ id, message, duration, isError, action }) {
    const box = document.createElement('div');
    box.className = isError ? 'toast error' : 'toast';
    box.id = id;
    box.append(message);
    if (action) box.append(button(action, () => tellApp('toast.action', id)));
    box.append(button('Close', () => dismiss()));
    $('[data-toasts]').append(box);
    const timer = setTimeout(dismiss, duration);
    function dismiss() {
      clearTimeout(timer);
      box.remove();
      tellApp('toast.dismiss', id);
    }
  }

  function button(text, onClick) {
    const element = document.createElement('button');
    element.type = 'button';
    element.textContent = text;
    element.addEventListener('click', onClick);
    return element;
  }

  // -- pages ------------------------------------------------------------------------------------------------

  function framePath(path) {
    const rest = path.startsWith(appHome) ? path.slice(appHome.length) : '';
    return rest ? `${frameHome}/${rest}` : frameHome;
  }

  function showPage({ path, search, title, nav }) {
    // A new page of the app has no unsaved changes and is no longer loading.
    setSaveBar(false);
    $('[data-progress]').hidden = true;
    history.replaceState(null, '', framePath(path) + search);
    $('[data-page-title]').textContent = title || '';
    document.title = [title, document.title.split(' | ').pop()].filter(Boolean).join(' | ');
    if (nav) showNav(nav, path);
  }

  function showNav(items, path) {
    const home = $('[data-app-home]');
    const list = $('[data-app-nav]');
    list.replaceChildren(...items.filter((item) => !item.isHome).map((item) => {
      const link = document.createElement('a');
      link.href = framePath(item.path);
      link.textContent = item.title;
      if (path.startsWith(item.path)) link.setAttribute('aria-current', 'page');
      link.addEventListener('click', (event) => openInFrame(event, item.path));
      const entry = document.createElement('li');
      entry.append(link);
      return entry;
    }));
    home.onclick = (event) => openInFrame(event, appHome);
    home.toggleAttribute('aria-current', !list.querySelector('[aria-current]'));
  }

  async function openInFrame(event, path) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (!(await mayLeave())) return;
    $('[data-progress]').hidden = false;
    tellApp('open', path);
  }
})();
