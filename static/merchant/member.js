/* Member: one key for each visit of the form, so that a change is booked once; the download of all data. */

import { saveFile } from './panel.js';

for (const form of document.querySelectorAll('form[data-key]')) {
  form.querySelector('[name="key"]').value = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

for (const button of document.querySelectorAll('[data-download]')) {
  button.addEventListener('click', () => download(button));
}

async function download(button) {
  button.loading = true;
  await saveFile(button.dataset.download, button.dataset.name);
  button.loading = false;
}
