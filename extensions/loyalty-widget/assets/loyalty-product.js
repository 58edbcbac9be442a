/** Keeps "Earn 37 points" right when another variant is chosen. Loaded only where the variants' prices differ. */
class LoyaltyPoints extends HTMLElement {
  connectedCallback() {
    this.prices = JSON.parse(this.querySelector('[data-loyalty-prices]').textContent);
    document.addEventListener('change', this.#lookSoon);
    addEventListener('popstate', this.#lookSoon);
  }

  disconnectedCallback() {
    document.removeEventListener('change', this.#lookSoon);
    removeEventListener('popstate', this.#lookSoon);
  }

  // Themes set the hidden variant field some time after the change that a shopper made: at once, or after a request.
  #lookSoon = () => {
    for (const wait of [0, 100, 600]) setTimeout(() => this.#look(), wait);
  };

  #look() {
    const scope = this.closest('.shopify-section, section, main') ?? document;
    const field = scope.querySelector('form[action*="/cart/add"] [name="id"]') ?? document.querySelector('form[action*="/cart/add"] [name="id"]');
    const price = this.prices[field?.value ?? new URLSearchParams(location.search).get('variant')];
    if (price === undefined) return;
    const { rate, per, added, one, many, text } = this.dataset;
    const points = Math.floor((price * rate * 10 + Number(added)) / per);
    if (String(points) === this.dataset.loyaltyPoints) return;
    this.dataset.loyaltyPoints = points;
    this.hidden = points < 1;
    this.querySelector('[data-loyalty-points-text]').textContent = text.replace('{points}', () => `${points} ${points === 1 ? one : many}`);
  }
}

if (!customElements.get('loyalty-points')) customElements.define('loyalty-points', LoyaltyPoints);
