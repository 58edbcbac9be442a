/* Products, variants and collections that a setting names: chosen in Shopify's own picker, listed by title. */

const gids = { product: 'Product', variant: 'ProductVariant', collection: 'Collection' };

export function wirePickers(root) {
  root.querySelectorAll('[data-pick]').forEach(wire);
}

function wire(box) {
  const input = box.querySelector('input');
  const titles = new Map([...box.querySelectorAll('[data-id]')].map((one) => [one.dataset.id, one.dataset]));
  const draw = () => showChosen(box, input, titles, take);

  function take(ids) {
    input.value = ids.join(',');
    input.dispatchEvent(new Event('change', { bubbles: true }));
    draw();
  }

  box.querySelector('s-button').addEventListener('click', () => choose(box, input, titles, take));
  input.form.addEventListener('reset', () => setTimeout(draw));
  // `showErrors` of the panel marks the field; a hidden one can't show it by itself.
  new MutationObserver(() => showProblem(box, input)).observe(input, { attributeFilter: ['error'] });
  draw();
}

async function choose(box, input, titles, take) {
  const { pick, most } = box.dataset;
  const chosen = await shopify.resourcePicker({
    type: pick,
    action: 'select',
    multiple: Number(most) || true,
    filter: { variants: false },
    selectionIds: idsOf(input).map((id) => ({ id: `gid://shopify/${gids[pick]}/${id}` })),
  });
  if (!chosen) return; // closed without a choice
  for (const one of chosen) titles.set(numberOf(one), { title: one.displayName || one.title });
  take(chosen.map(numberOf));
}

const idsOf = (input) => input.value.split(',').filter(Boolean);
const numberOf = (one) => one.id.split('/').pop();

function showChosen(box, input, titles, take) {
  box.querySelector('.chosen').replaceChildren(...idsOf(input).map((id) => {
    const entry = document.createElement('li');
    const name = document.createElement('bdi');
    const { title = id, gone } = titles.get(id) || {};
    name.textContent = title;
    entry.append(name);
    if (gone !== undefined) entry.append(remark('no longer exists: matches nothing'));
    entry.append(remover(title, () => take(idsOf(input).filter((other) => other !== id))));
    return entry;
  }));
}

function remark(text) {
  const made = document.createElement('span');
  made.className = 'problem';
  made.textContent = text;
  return made;
}

function remover(title, onClick) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'remove';
  button.textContent = '×';
  button.setAttribute('aria-label', `Remove ${title}`);
  button.addEventListener('click', onClick);
  return button;
}

function showProblem(box, input) {
  const problem = box.querySelector('p.problem');
  problem.textContent = input.getAttribute('error') || '';
  problem.hidden = !problem.textContent;
}

wirePickers(document);
