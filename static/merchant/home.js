/* Home: steps that can be put away, and whether the app embed is on, which only the browser can ask. */

import { send } from './panel.js';

for (const button of document.querySelectorAll('[data-dismiss]')) {
  button.addEventListener('click', async () => {
    const list = button.closest('.steps');
    button.closest('.step').remove();
    if (!list.children.length) list.closest('s-section').remove();
    await send('/app/steps', { step: button.dataset.dismiss });
  });
}

const page = document.querySelector('[data-embed]');

/** Any block of the theme extension that is an embed counts by its own name. */
function isOn(extensions) {
  const blocks = extensions.filter((one) => one.type === 'theme_app_extension').flatMap((one) => one.activations);
  const embed = blocks.find((block) => block.handle === page.dataset.embedBlock);
  return embed ? embed.status === 'active' : null;
}

async function reportEmbed() {
  const active = isOn(await shopify.app.extensions());
  if (active === null || page.dataset.embed === (active ? 'on' : 'off')) return;
  for (const one of document.querySelectorAll('[data-embed-is]')) one.hidden = (one.dataset.embedIs === 'on') !== active;
  const text = active ? 'The app embed is on.' : 'The app embed is off: shoppers don\'t see their points.';
  const check = document.querySelector('[data-embed-check]');
  check.querySelector('p').textContent = text;
  check.querySelector('s-icon').setAttribute('type', active ? 'check-circle' : 'alert-triangle');
  check.querySelector('s-icon').setAttribute('tone', active ? 'success' : 'warning');
  await send('/app/embed', { active });
}

if (shopify.app?.extensions) reportEmbed();
