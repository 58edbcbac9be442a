/* ID tokens: asked for anew each time, added to the page's own requests, and once more after a 401 that says so. */

const retryHeader = 'X-Shopify-Retry-Invalid-Session-Request';

const idToken = () => callFrame('idToken');

const isOwnAddress = (address) => new URL(address, location.href).origin === location.origin;

const plainFetch = window.fetch.bind(window);

async function fetchWithToken(input, init) {
  const request = new Request(input, init);
  if (!isEmbedded || !isOwnAddress(request.url) || request.headers.has('Authorization')) return plainFetch(input, init);
  const again = request.clone();
  const answer = await plainFetch(await signed(request));
  if (answer.status !== 401 || !answer.headers.has(retryHeader)) return answer;
  return plainFetch(await signed(again));
}

async function signed(request) {
  const withToken = new Request(request);
  withToken.headers.set('Authorization', `Bearer ${await idToken()}`);
  withToken.headers.set('X-Requested-With', 'XMLHttpRequest');
  return withToken;
}

/** The older way of asking; here without the second try. */
function patchXmlHttpRequest() {
  const { open, send } = XMLHttpRequest.prototype;
  const needsToken = new WeakSet();
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    if (isEmbedded && isOwnAddress(address)) needsToken.add(this);
    return open.call(this, method, address, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (!needsToken.has(this)) return send.call(this, body);
    idToken().then((token) => {
      this.setRequestHeader('Authorization', `Bearer ${token}`);
      send.call(this, body);
    });
    return undefined;
  };
}

window.fetch = fetchWithToken;
patchXmlHttpRequest();
