/* Work under way: asks how far it is, and shows the page again at its end. */

import { go } from './panel.js';

const everyMilliseconds = 1500;
const place = document.querySelector('[data-progress]');
if (place) setTimeout(look, everyMilliseconds);

async function look() {
  const answer = await fetch(place.dataset.progress).then((found) => found.json()).catch(() => null);
  if (answer?.ok) {
    if (!answer.busy) return go(location.pathname);
    show(answer);
  }
  setTimeout(look, everyMilliseconds);
}

function show({ done, of, said = '', why = '' }) {
  const bar = place.querySelector('progress');
  if (done) {
    bar.max = of;
    bar.value = done;
  }
  if (said) place.querySelector('[data-said]').textContent = said;
  place.querySelector('[data-why]').textContent = why;
}
