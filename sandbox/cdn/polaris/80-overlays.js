/* What lies above the page: modals, popovers, menus, tooltips; shown and hidden by command, id or keyboard. */

function announce(element, ...names) {
  names.forEach((name) => element.dispatchEvent(new Event(name)));
}

class Modal extends Polaris {
  static observedAttributes = ['heading', 'size', 'padding', 'accessibilitylabel'];
  static styles = `
    :host { display: contents; }
    dialog { border: 0; border-radius: 14px; padding: 0; width: min(100vw - 2rem, 38rem); max-height: min(100vh - 2rem, 48rem); box-shadow: 0 16px 60px rgb(0 0 0 / .3); color: inherit; }
    dialog.small { width: min(100vw - 2rem, 26rem); } dialog.large, dialog.max { width: min(100vw - 2rem, 62rem); }
    dialog::backdrop { background: rgb(20 28 34 / .5); }
    header { display: flex; align-items: center; gap: 1rem; padding: .9rem 1.1rem; border-bottom: 1px solid var(--line); }
    h2 { font-size: 1rem; margin: 0; margin-inline-end: auto; } header button { border: 0; background: none; line-height: 0; padding: .3rem; cursor: pointer; }
    .body { padding: 1.1rem; overflow: auto; } .body.none { padding: 0; }
    footer { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: .5rem; padding: .8rem 1.1rem; border-top: 1px solid var(--line); }`;

  draw() {
    const wasOpen = this.dialog?.open;
    const label = this.get('heading') || this.get('accessibilitylabel');
    this.dialog = h('dialog', { class: this.get('size', 'base'), 'aria-label': label },
      h('header', {}, h('h2', {}, this.get('heading')), h('button', { type: 'button', 'aria-label': 'Close', onclick: () => this.hideOverlay() }, drawing('x'))),
      h('div', { class: `body ${this.get('padding')}` }, h('slot')),
      h('footer', {}, slot('secondary-actions'), slot('primary-action')));
    this.dialog.addEventListener('close', () => announce(this, 'hide', 'afterhide'));
    this.show(this.dialog);
    if (wasOpen) this.dialog.showModal();
  }

  showOverlay() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    announce(this, 'show', 'aftershow');
  }
  hideOverlay() { if (this.dialog.open) this.dialog.close(); }
  toggleOverlay() { return this.dialog.open ? this.hideOverlay() : this.showOverlay(); }
}
reflect(Modal, ['heading', 'size']);
define('s-modal', Modal);

/** Beside the element that opened it, inside the window. */
class Popover extends Polaris {
  static styles = `
    :host { display: block; position: fixed; inset: auto; margin: 0; border: 1px solid var(--line); border-radius: 10px; padding: 0; background: #fff; box-shadow: 0 8px 32px rgb(0 0 0 / .18); max-width: min(24rem, 100vw - 1rem); color: var(--ink); }
    :host(:not(:popover-open)) { display: none; }
    .list { display: grid; padding: .35rem; gap: .1rem; min-width: 10rem; }`;

  start() {
    this.popover = 'auto';
    this.addEventListener('toggle', (event) => this.onToggle(event));
  }

  draw() {
    this.show(h('slot'));
  }

  onToggle(event) {
    const isOpen = event.newState === 'open';
    announce(this, ...(isOpen ? ['show', 'aftershow'] : ['hide', 'afterhide']));
    if (!isOpen && this.contains(document.activeElement)) this.opener?.focus();
  }

  showOverlay(opener) {
    this.opener = opener || this.opener;
    this.showPopover();
    if (this.opener) placeBeside(this, this.opener);
  }
  hideOverlay() { this.hidePopover(); }
  toggleOverlay(opener) { return this.matches(':popover-open') ? this.hideOverlay() : this.showOverlay(opener); }
}
define('s-popover', Popover);
define('s-menu', class extends Popover {
  draw() {
    this.role = 'group';
    this.ariaLabel = this.get('accessibilitylabel') || 'Actions';
    this.show(h('div', { class: 'list' }, h('slot')));
    this.addEventListener('click', () => this.hideOverlay());
  }
});

function placeBeside(overlay, opener) {
  const around = opener.getBoundingClientRect();
  const own = overlay.getBoundingClientRect();
  const hasRoomBelow = around.bottom + own.height + 6 < innerHeight;
  const top = hasRoomBelow ? around.bottom + 6 : Math.max(6, around.top - own.height - 6);
  overlay.style.top = `${top}px`;
  overlay.style.left = `${Math.max(8, Math.min(around.left, innerWidth - own.width - 8))}px`;
}

/** Words about the element that names it with `interestfor`, while that one is pointed at or has the focus. */
define('s-tooltip', class extends Popover {
  static styles = `${Popover.styles} :host { background: #22303a; color: #fff; border: 0; padding: .35rem .6rem; font-size: .8125rem; }`;
  start() {
    this.popover = 'manual';
    this.role = 'tooltip';
  }
});

function tooltipOf(event) {
  const source = event.target.closest?.('[interestfor]');
  const tooltip = source && document.getElementById(source.getAttribute('interestfor'));
  return tooltip?.localName === 's-tooltip' ? { source, tooltip } : null;
}

for (const name of ['pointerover', 'focusin']) {
  document.addEventListener(name, (event) => {
    const found = tooltipOf(event);
    if (found && !found.tooltip.matches(':popover-open')) found.tooltip.showOverlay(found.source);
  });
}
for (const name of ['pointerout', 'focusout']) {
  document.addEventListener(name, (event) => {
    const found = tooltipOf(event);
    if (found?.tooltip.matches(':popover-open') && !found.source.contains(event.relatedTarget)) found.tooltip.hideOverlay();
  });
}
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') document.querySelectorAll('s-tooltip:popover-open').forEach((tooltip) => tooltip.hideOverlay());
});
