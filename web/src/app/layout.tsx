import type { Metadata, Viewport } from "next";
import { connection } from "next/server";
import type { ReactNode } from "react";

import { Providers } from "@/app/providers";
import { LiveRegions } from "@/components/shell/live-regions";
import { TopBar } from "@/components/shell/top-bar";
import { THEME_SCRIPT } from "@/lib/theme";
import { environment } from "@/server/environment";

import "./globals.css";

export const metadata: Metadata = {
  title: { default: "candleloop", template: "%s · candleloop" },
  description: "Candlestick annotation that learns",
};

export const viewport: Viewport = { colorScheme: "light dark", width: "device-width", initialScale: 1 };

export default async function Layout({ children }: { children: ReactNode }) {
  // Feature flags are read while the server runs, not when it was built.
  await connection();
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant that must run before the first paint */}
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <Providers features={environment().features}>
          <div className="flex h-dvh min-h-0 flex-col">
            <TopBar />
            {children}
          </div>
          <LiveRegions />
        </Providers>
      </body>
    </html>
  );
}
