/* `window.shopify`, with names and signatures of @shopify/app-bridge-types. */

const config = {
  apiKey: script.dataset.apiKey || document.querySelector('meta[name="shopify-api-key"]')?.content,
  shop: startValue('shop'),
  host: startValue('host'),
  locale: startValue('locale') || 'en',
};

const toastCallbacks = new Map();
let lastToast = 0;

const toast = {
  show(message, options = {}) {
    const id = `toast-${++lastToast}`;
    toastCallbacks.set(id, options);
    const { duration = 5000, isError = false, action } = options;
    callFrame('toast.show', { id, message, duration, isError, action });
    return id;
  },
  hide(id) {
    callFrame('toast.hide', id);
  },
};

onFrame('toast.action', (id) => toastCallbacks.get(id)?.onAction?.());
onFrame('toast.dismiss', (id) => {
  toastCallbacks.get(id)?.onDismiss?.();
  toastCallbacks.delete(id);
});

/** Modals of this stand-in are elements of the page itself: s-modal. */
const overlay = (method) => async (id) => document.getElementById(id)?.[method]?.();

/** Resolves with what was chosen, or with undefined where nothing was. */
async function resourcePicker(options) {
  const chosen = await callFrame('resourcePicker', options);
  return chosen && Object.assign(chosen, { selection: chosen });
}

window.shopify = {
  config,
  origin: frameOrigin,
  ready: Promise.resolve(),
  environment: { mobile: false, embedded: isEmbedded, pos: false, intent: false },
  idToken,
  toast,
  saveBar,
  loading: (isLoading = true) => void callFrame('loading', isLoading),
  modal: { show: overlay('showOverlay'), hide: overlay('hideOverlay'), toggle: overlay('toggleOverlay') },
  user: () => callFrame('user'),
  resourcePicker,
  app: { extensions: () => callFrame('app.extensions') },
  scopes: {
    query: () => callFrame('scopes.query'),
    request: (scopes) => callFrame('scopes.request', scopes),
    revoke: (scopes) => callFrame('scopes.revoke', scopes),
  },
};

/** Opened outside the admin, an app goes back into it. */
function goIntoAdmin() {
  const path = location.pathname.replace(/^\/app/, '');
  location.replace(`${frameOrigin}/admin/apps/loyalty${path}${withoutSecrets(location.search)}`);
}

if (isEmbedded) reloadOrAnnounce();
else goIntoAdmin();
