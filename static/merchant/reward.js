/* Reward: what it costs the shop by what is typed right now. */

import { preview } from './panel.js';

const box = document.getElementById('cost');

preview(document.querySelector('form[data-preview]'), (answer) => {
  box.classList.toggle('stale', !answer.ok);
  if (!answer.ok) return;
  box.querySelector('.cost-price').textContent = answer.price;
  box.querySelector('.cost-meaning').textContent = answer.meaning;
});
