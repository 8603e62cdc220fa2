import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider/lib/index.js';
import { onTestFinished, vi } from 'vitest';

/** A real OpenID provider. Everybody can log in there, with any password. */
export interface People {
  readonly url: string;
  /** Does in a browser what the provider asks of a person who logs in, from the page at an address on. */
  agree(address: string, person: string): Promise<void>;
  /** Declines. */
  decline(address: string): Promise<void>;
}

export const CLIENT = 'trikd';

/** @param tokenSeconds for which a token is valid */
export async function people(tokenSeconds = 300): Promise<People> {
  // It recommends other settings for production.
  for (const level of ['info', 'warn'] as const) {
    const quiet = vi.spyOn(console, level).mockImplementation(() => undefined);
    onTestFinished(() => quiet.mockRestore());
  }
  let listener: RequestListener = (_, response) => response.end();
  const server = createServer((request, response) => listener(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const url = `http://127.0.0.1:${(bound as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    claims: { openid: ['sub', 'groups'], profile: ['name'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['for tests'] },
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, name: sub, groups: [`team-${sub}`] }),
    }),
    ttl: {
      IdToken: tokenSeconds,
      DeviceCode: 60,
      RefreshToken: 3600,
      Grant: 3600,
      Session: 3600,
      Interaction: 3600,
      AccessToken: 300,
    },
    rotateRefreshToken: true,
  });
  // Those who log in here are fast.
  provider.use(async (context, next) => {
    await next();
    if (context.path === '/device/auth') context.body = { ...Object(context.body), interval: 0.05 };
  });
  listener = provider.callback();
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return {
    url,
    agree: async (address, person) => {
      const browser = createBrowser();
      let page = await browser.open(address);
      for (let n = 0; n < 6 && page.form; n++) page = await browser.submit(page, { login: person, password: 'any' });
      if (page.form || page.status >= 400) throw new Error(`the provider did not finish: ${page.text}`);
    },
    decline: async (address) => {
      const browser = createBrowser();
      const confirm = await browser.submit(await browser.open(address), {});
      await browser.submit(confirm, { abort: 'yes' });
    },
  };
}

interface Page {
  readonly address: string;
  readonly status: number;
  readonly text: string;
  readonly form?: { readonly action: string; readonly fields: Readonly<Record<string, string>> };
}

/** Follows redirects, and keeps cookies. */
function createBrowser() {
  const cookies = new Map<string, string>();
  const request = async (address: string, init: RequestInit = {}): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(address, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const text of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const next = response.headers.get('location');
    if (next !== null) return await request(new URL(next, address).href);
    return pageOf(address, response.status, await response.text());
  };
  return {
    open: (address: string) => request(address),
    submit: ({ form, address }: Page, typed: Readonly<Record<string, string>>) => {
      if (!form) throw new Error(`there is no form at ${address}`);
      const body = new URLSearchParams({ ...form.fields, ...typed });
      return request(new URL(form.action || address, address).href, { method: 'POST', body });
    },
  };
}

function pageOf(address: string, status: number, text: string): Page {
  const [, action, inside = ''] = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(text) ?? [];
  if (action === undefined) return { address, status, text };
  const inputs = [...inside.matchAll(/<input[^>]*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    /value="([^"]*)"/.exec(input)?.[1] ?? '',
  ]);
  return { address, status, text, form: { action, fields: Object.fromEntries(inputs) } };
}
