/** Keeps "Earn 37 points" right when another variant is chosen. Loaded only where the variants earn differently. */
class LoyaltyPoints extends HTMLElement {
  connectedCallback() {
    this.points = JSON.parse(this.querySelector('[data-loyalty-points-of]').textContent);
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
    const variant = field?.value ?? new URLSearchParams(location.search).get('variant');
    const points = this.points[variant];
    if (points === undefined || variant === this.shown) return;
    this.shown = variant;
    const { one, many, text } = this.dataset;
    this.dataset.loyaltyPoints = points;
    this.hidden = points < 1;
    this.querySelector('[data-loyalty-points-text]').textContent = text.replace('{points}', () => `${points} ${points === 1 ? one : many}`);
    const reasons = this.querySelector(`[data-loyalty-reasons-of="${CSS.escape(variant)}"]`);
    if (reasons) this.querySelector('[data-loyalty-reasons]').replaceChildren(reasons.content.cloneNode(true));
  }
}

if (!customElements.get('loyalty-points')) customElements.define('loyalty-points', LoyaltyPoints);
