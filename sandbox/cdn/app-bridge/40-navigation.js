/* Ways from page to page of the app: the links of <s-app-nav> in the frame, s-* links, and the reload with a token. */

/** A document can carry no header, so the token travels in the address. */
async function openPage(address, method = 'assign') {
  const target = new URL(address, location.href);
  const values = { embedded: '1', shop: config.shop, host: config.host, locale: config.locale };
  for (const [name, value] of Object.entries(values)) if (value) target.searchParams.set(name, value);
  target.searchParams.set('id_token', await idToken());
  location[method](target);
}

/** The app sent a page without content because its token was missing or stale: go where one wanted to go. */
function reloadOrAnnounce() {
  const wanted = new URLSearchParams(location.search).get('shopify-reload');
  if (wanted && isOwnAddress(wanted)) openPage(wanted, 'replace');
  else onPageReady(startPage);
}

/** In this order: the frame takes a page that is announced for one without changes. */
function startPage() {
  announcePage();
  watchForms();
}

function appNavItems() {
  const links = [...document.querySelectorAll('s-app-nav > a[href], s-app-nav > s-link[href]')];
  return links.map((link) => ({
    path: new URL(link.getAttribute('href'), location.href).pathname,
    title: link.textContent.trim(),
    isHome: link.getAttribute('rel') === 'home',
  }));
}

/** Polaris elements keep their <a> in a shadow tree. Plain links are left alone: they take the reload, as they would. */
function linkOfPolaris(event) {
  const path = event.composedPath();
  const link = path.find((node) => node.localName === 'a' && node.href);
  const isInShadow = link && link.getRootNode() !== document;
  return isInShadow && link.getRootNode().host?.localName.startsWith('s-') ? link : null;
}

function onClick(event) {
  const link = linkOfPolaris(event);
  const isPlainClick = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlainClick || event.defaultPrevented || (link.target && link.target !== '_self')) return;
  const target = new URL(link.href);
  if (target.origin !== location.origin || link.hasAttribute('download')) return;
  if (target.pathname === location.pathname && target.hash && target.search === location.search) return;
  event.preventDefault();
  saveBar.leaveConfirmation().then(() => openPage(target));
}

function announcePage() {
  const heading = document.querySelector('s-page')?.getAttribute('heading');
  callFrame('page', {
    path: location.pathname,
    search: withoutSecrets(location.search),
    title: heading || document.title,
    nav: document.querySelector('s-app-nav') ? appNavItems() : null,
  });
}

function withoutSecrets(search) {
  const values = new URLSearchParams(search);
  for (const name of ['id_token', 'embedded', 'shop', 'host', 'locale', 'hmac', 'session', 'timestamp']) values.delete(name);
  return values.size ? `?${values}` : '';
}

onFrame('open', openPage);
document.addEventListener('click', onClick);
