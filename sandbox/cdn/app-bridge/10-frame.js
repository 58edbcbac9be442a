/* A stand-in for Shopify's app-bridge.js: the same names and manners, spoken with the sandbox's admin frame.
   Its parts are joined into one script; this one carries messages between the app's page and the frame. */

const script = document.currentScript;
const frameOrigin = originOfFrame(new URL(script.src, location.href).origin);
const isEmbedded = window.parent !== window;

const waiting = new Map();
const listeners = new Map();
let lastCall = 0;

/** The sandbox answers at 127.0.0.1 and at localhost; the admin may be open at the other name than the script's. */
function originOfFrame(own) {
  const other = own.replace('//127.0.0.1', '//localhost');
  return location.ancestorOrigins?.[0] === other ? other : own;
}

/** Ask the frame to do something; resolves with its answer. */
function callFrame(name, ...values) {
  if (!isEmbedded) return new Promise(() => {});
  const id = ++lastCall;
  window.parent.postMessage({ appBridge: 'call', id, name, values }, frameOrigin);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

/** Do something when the frame says that `name` happened. */
function onFrame(name, listener) {
  listeners.set(name, [...(listeners.get(name) || []), listener]);
}

window.addEventListener('message', (event) => {
  if (event.source !== window.parent || event.origin !== frameOrigin) return;
  const { appBridge, id, name, value, error } = event.data || {};
  if (appBridge === 'answer' && waiting.has(id)) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(value);
  }
  if (appBridge === 'event') (listeners.get(name) || []).forEach((listener) => listener(value));
});

/** What the first address of the app said; later pages find it in the session's storage, where that is allowed. */
function startValue(name) {
  const given = new URLSearchParams(location.search).get(name);
  try {
    if (given) sessionStorage.setItem(`app-bridge-${name}`, given);
    return given || sessionStorage.getItem(`app-bridge-${name}`) || undefined;
  } catch {
    return given || undefined;
  }
}

function onPageReady(work) {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', work);
  else work();
}
