/** Talks to the app through the shop's app proxy, and keeps the keys that stop a reward from being redeemed twice. */

const ANSWER_WITHIN_MS = 12_000;
const REPEAT_AFTER_MS = [800, 2_500];
const KEY_LIVES_MS = 24 * 60 * 60 * 1000;

const JSON_BODY = { 'Content-Type': 'application/json' };
const CODE_BY_STATUS = { 401: 'unauthorized', 404: 'not_found', 409: 'conflict', 422: 'invalid', 429: 'limit' };

const CODE_BY_WORD = { insufficient_points: 'insufficient_points', try_again: 'server' };

/** A request that brought no result. `answered` tells whether the server decided, or nobody knows what happened. */
export class ApiError extends Error {
  constructor(code, answered) {
    super(code);
    this.code = code;
    this.answered = answered;
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Api {
  constructor(proxy) {
    this.base = new URL(`${proxy.replace(/\/+$/, '')}/`, location.origin);
    // A setting must never send the shopper's points to another site.
    if (this.base.origin !== location.origin) this.base = new URL('/apps/loyalty/', location.origin);
  }

  get(path) {
    return this.#send(path, { method: 'GET' });
  }

  /** Asks for a code. Safe to repeat: the key makes a repeated request return the first answer. */
  redeem({ reward, points, key, chosen }) {
    return this.#insist('redemptions', chosen ? { reward, points, key } : { reward, key });
  }

  /** Tells what the shopper did for points. The same again gets the first answer. */
  act(rule, said) {
    return this.#insist(`actions/${encodeURIComponent(rule)}`, said);
  }

  /** Waits for a reward that is taken, or no longer. Safe to repeat. */
  line(reward, wait) {
    return this.#insist(`rewards/${encodeURIComponent(reward)}/waits${wait ? '' : '/leave'}`, {});
  }

  enrol() {
    return this.#insist('enrol', {});
  }

  /** The member's own link, made if there was none. */
  link() {
    return this.#insist('referral/link', {});
  }

  /** Somebody followed a member's link. */
  visit(code) {
    return this.#send(`referrals/${encodeURIComponent(code)}/visits`, { method: 'POST', headers: JSON_BODY, body: '{}' });
  }

  /** Asks for the friend's reward. The same key asks how it goes. */
  claim(code, said) {
    return this.#insist(`referrals/${encodeURIComponent(code)}/claims`, said);
  }

  undo(id) {
    return this.#insist(`redemptions/${encodeURIComponent(id)}/cancel`, {});
  }

  async #insist(path, body) {
    const request = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) };
    for (const wait of REPEAT_AFTER_MS) {
      try {
        return await this.#send(path, request);
      } catch (error) {
        if (!(error instanceof ApiError) || error.answered || error.code === 'offline') throw error;
        await pause(wait);
      }
    }
    return this.#send(path, request);
  }

  async #send(path, request) {
    const response = await this.#answer(path, request);
    const body = await response.json().catch(() => null); // a proxy that can't reach the app answers in HTML
    if (response.ok && body) return body;
    if (response.status >= 500 || response.ok || !body) throw new ApiError('server', false);
    const known = CODE_BY_STATUS[response.status] ?? 'invalid';
    throw new ApiError(CODE_BY_WORD[body.error?.code] ?? known, true);
  }

  async #answer(path, request) {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const headers = { Accept: 'application/json', ...request.headers };
    try {
      return await fetch(new URL(path, this.base), { ...request, headers, signal, credentials: 'same-origin' });
    } catch {
      throw new ApiError(navigator.onLine ? 'no_answer' : 'offline', false);
    }
  }
}

/**
 * One key per intention to redeem, shared by all tabs of this browser until the server has answered. A double click, a
 * reload and a second tab thus repeat the same request instead of making another one.
 */
export class Intents {
  #memory = new Map();

  constructor(member) {
    this.prefix = `loyalty:intent:${member}:`;
  }

  /** The open intention for this reward, or a new one. */
  get(reward, points) {
    const open = this.#read(reward);
    if (open && open.points === points && Date.now() - open.at < KEY_LIVES_MS) return open.key;
    const key = randomKey();
    this.#write(reward, { key, points, at: Date.now() });
    return key;
  }

  /** The server has answered for this key: the next click is another intention. */
  settle(reward, key) {
    if (this.#read(reward)?.key !== key) return;
    this.#memory.delete(reward);
    whereStorageWorks((storage) => storage.removeItem(this.prefix + reward));
  }

  #read(reward) {
    const text = whereStorageWorks((storage) => storage.getItem(this.prefix + reward));
    return text ? JSON.parse(text) : this.#memory.get(reward);
  }

  #write(reward, intent) {
    this.#memory.set(reward, intent);
    whereStorageWorks((storage) => storage.setItem(this.prefix + reward, JSON.stringify(intent)));
  }
}

// crypto.randomUUID is missing on plain-http addresses such as a development shop's; this is the same strength.
export function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Browsers may refuse storage altogether or when it is full; the memory of this page then has to do. */
export function whereStorageWorks(use) {
  try {
    return use(localStorage);
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
