/* Optional permissions: Shopify asks the merchant, and the app then looks what is granted. */

import { go, send } from './panel.js';

for (const button of document.querySelectorAll('[data-permission]')) {
  button.addEventListener('click', () => change(button));
}

async function change(button) {
  const { permission, permissionIs, then } = button.dataset;
  button.loading = true;
  try {
    const answer = await shopify.scopes[permissionIs](permission.split(' '));
    if (answer.result !== 'declined-all') await tell(then);
  } catch {
    shopify.toast.show('Shopify could not change the permission. Please try again.', { isError: true });
  }
  button.loading = false;
}

async function tell(address) {
  const answer = await send(address, {});
  shopify.toast.show(answer.toast || Object.values(answer.errors).join(' '), { isError: Boolean(answer.errors) });
  if (answer.go) go(answer.go);
}
