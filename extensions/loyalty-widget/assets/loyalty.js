/**
 * The launcher. Loaded with `defer`, it waits for the first click and does nothing before. The click wakes the panel
 * that Liquid left sleeping in a template, and fetches the script that fills it.
 */
class LoyaltyWidget extends HTMLElement {
  tab = 'points';
  invitation = null;
  #attempts = 0;

  connectedCallback() {
    document.addEventListener('click', this.#openFromPage);
    if (this.launcher) return;
    this.#attachShadowWhereParserDidNot();
    this.launcher = this.shadowRoot.querySelector('[data-loyalty-launcher]');
    // Without this script the launcher is a plain link; from here on it opens a dialog.
    this.launcher.setAttribute('role', 'button');
    this.launcher.setAttribute('aria-haspopup', 'dialog');
    this.launcher.setAttribute('aria-expanded', 'false');
    this.launcher.addEventListener('click', (event) => {
      event.preventDefault();
      this.open();
    });
    this.launcher.addEventListener('keydown', (event) => {
      if (event.key !== ' ') return;
      event.preventDefault();
      this.open();
    });
    this.#welcomeFriend();
  }

  disconnectedCallback() {
    document.removeEventListener('click', this.#openFromPage);
  }

  get config() {
    return JSON.parse(this.querySelector('[data-loyalty-config]').textContent);
  }

  /** Opens the panel, on one of its tabs if one is named: points, rewards, codes, activity. */
  open(tab) {
    this.dialog ??= this.#wakeDialog();
    if (!this.dialog.open) this.dialog.showModal();
    this.toggleAttribute('data-open', true);
    this.launcher.setAttribute('aria-expanded', 'true');
    if (tab) this.showTab(tab);
    return this.#runPanel();
  }

  /** Works before the panel's script is there: on a slow connection one looks at the skeletons meanwhile. */
  showTab(name) {
    const tabs = [...this.dialog.querySelectorAll('[data-loyalty-tab]')];
    if (!tabs.some((tab) => tab.dataset.loyaltyTab === name)) return;
    this.tab = name;
    for (const tab of tabs) {
      const chosen = tab.dataset.loyaltyTab === name;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      this.dialog.querySelector(`[data-loyalty-view="${tab.dataset.loyaltyTab}"]`).hidden = !chosen;
    }
    this.dialog.querySelector('[data-loyalty-body]').scrollTop = 0;
    this.panel?.tabShown();
  }

  close() {
    this.dialog?.close();
  }

  /** Who followed a member's link finds at once what waits for them. */
  #welcomeFriend() {
    const code = new URLSearchParams(location.search).get('ref');
    if (!this.dataset.referrals || !/^[A-HJ-NP-Z2-9]{8}$/i.test(code)) return;
    this.invitation = code.toUpperCase();
    this.open();
  }

  #openFromPage = (event) => {
    const opener = event.target.closest?.('[data-loyalty-open]');
    if (!opener) return;
    event.preventDefault();
    this.open(opener.dataset.loyaltyOpen);
  };

  /** Browsers before 2024 leave a declarative shadow root behind as a template. */
  #attachShadowWhereParserDidNot() {
    if (this.shadowRoot) return;
    const template = this.querySelector('template[shadowrootmode]');
    this.attachShadow({ mode: 'open' }).append(template.content);
    template.remove();
  }

  #wakeDialog() {
    const shell = this.shadowRoot.querySelector('[data-loyalty-shell]');
    this.shadowRoot.append(shell.content.cloneNode(true));
    const dialog = this.shadowRoot.querySelector('[data-loyalty-panel]');
    const style = this.shadowRoot.querySelector('[data-loyalty-style]');
    const show = () => {
      dialog.setAttribute('data-styled', '');
      if (dialog.open) dialog.querySelector('[autofocus]').focus(); // hidden until now, it could not take the focus
    };
    style.addEventListener('load', show, { once: true });
    style.addEventListener('error', show, { once: true });
    dialog.querySelector('[data-loyalty-close]').addEventListener('click', () => dialog.close());
    dialog.querySelector('[data-loyalty-retry]').addEventListener('click', () => this.#runPanel());
    for (const tab of dialog.querySelectorAll('[data-loyalty-tab]')) {
      tab.addEventListener('click', () => this.showTab(tab.dataset.loyaltyTab));
    }
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close(); // only the backdrop is the dialog itself: its children fill it
    });
    dialog.addEventListener('close', () => {
      this.removeAttribute('data-open');
      this.launcher.setAttribute('aria-expanded', 'false');
    });
    return dialog;
  }

  async #runPanel() {
    try {
      this.panel ??= await this.#loadPanel();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what a failed import raises
      this.dialog.setAttribute('data-failed', 'script');
      this.dialog.querySelector('[data-loyalty-failure]').hidden = false;
      return;
    }
    await this.panel.refresh();
  }

  async #loadPanel() {
    // Some browsers remember a failed import by its address, so another try needs another address.
    const again = this.#attempts++ ? `#${this.#attempts}` : '';
    const { Panel } = await import(this.dataset.script + again);
    return this.panel ?? new Panel(this);
  }
}

if (!customElements.get('loyalty-widget')) customElements.define('loyalty-widget', LoyaltyWidget);
