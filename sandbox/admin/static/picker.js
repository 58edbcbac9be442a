/* The resource picker: a list of the shop's things to tick, as `shopify.resourcePicker` shows one. */
(() => {
  'use strict';

  const $ = (selector) => document.querySelector(selector);
  const names = { product: 'products', variant: 'variants', collection: 'collections' };

  /** Resolves with the chosen things, or with undefined when the picker is closed without a choice. */
  window.pickResources = async ({ type, action = 'add', multiple = false, query = '', selectionIds = [] }, getJson) => {
    const things = await getJson(`/admin/apps/loyalty/resources?type=${type}`);
    const most = multiple === true ? Infinity : Number(multiple) || 1;
    const chosen = new Set(selectionIds.map(({ id }) => id));
    const dialog = $('[data-picker]');
    const verb = action === 'select' ? 'Select' : 'Add';
    $('[data-picker-title]').textContent = `${verb} ${names[type]}`;
    $('[data-picker-done]').textContent = verb;
    $('[data-picker-list]').replaceChildren(...things.map((thing) => row(thing, chosen, most)));
    $('[data-picker-search]').value = query;
    $('[data-picker-search]').oninput = () => filter($('[data-picker-search]').value);
    filter(query);
    dialog.showModal();
    return new Promise((resolve) => {
      let isDone = false;
      $('[data-picker-done]').onclick = () => { isDone = true; dialog.close(); };
      $('[data-picker-cancel]').onclick = () => dialog.close();
      dialog.onclose = () => resolve(isDone ? things.filter(({ id }) => chosen.has(id)) : undefined);
    });
  };

  function row(thing, chosen, most) {
    const box = document.createElement('input');
    box.type = most === 1 ? 'radio' : 'checkbox';
    box.name = 'picked';
    box.checked = chosen.has(thing.id);
    box.addEventListener('change', () => {
      if (most === 1) chosen.clear();
      if (box.checked && chosen.size < most) chosen.add(thing.id);
      else chosen.delete(thing.id);
      box.checked = chosen.has(thing.id);
    });
    const label = document.createElement('label');
    label.append(box, thing.displayName || thing.title);
    const entry = document.createElement('li');
    entry.append(label);
    return entry;
  }

  function filter(words) {
    for (const entry of $('[data-picker-list]').children) {
      entry.hidden = !entry.textContent.toLowerCase().includes(words.trim().toLowerCase());
    }
  }
})();
