"use client";

import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";

import { api, unwrap } from "@/api/client";
import { labelSetsQuery } from "@/api/queries";
import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";
import type { PageScene } from "@/features/annotate/use-scene";
import { useSession, useWindow, useWorkspace } from "@/features/annotate/workspace";
import type { Look } from "@/features/chart";
import { msOf } from "@/lib/times";

const FIELD = "h-7 rounded-md border border-line-strong bg-bg px-1.5 text-xs";

/** Which series and labels, where in time, and how candles look. */
export function Toolbar({
  scene,
  look,
  onLook,
  onHelp,
}: {
  scene: PageScene;
  look: Look;
  onLook: (look: Look) => void;
  onHelp: () => void;
}) {
  const { series, labelSet } = useWorkspace();
  const router = useRouter();
  const { data: labelSets } = useQuery(labelSetsQuery);
  const { data: all } = useQuery({
    queryKey: ["series", "choice"],
    queryFn: ({ signal }) => unwrap(api.GET("/series", { params: { query: { limit: 200 } }, signal })),
  });
  const address = (seriesId: string, name: string) =>
    `/annotate/${encodeURIComponent(seriesId)}${name === "default" ? "" : `?label_set=${encodeURIComponent(name)}`}`;
  const choices = all?.items ?? [];
  const isListed = choices.some((one) => one.series_id === series.series_id);
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-2 border-line border-b px-3 py-1">
      <select
        aria-label="Series"
        value={series.series_id}
        onChange={(event) => router.push(address(event.target.value, labelSet.name))}
        className={`${FIELD} min-w-0 max-w-40 font-semibold max-sm:max-w-none max-sm:grow max-sm:basis-2/5 lg:max-w-56 xl:max-w-80`}
      >
        {!isListed && <option value={series.series_id}>{series.series_id}</option>}
        {choices.map((one) => (
          <option key={one.series_id} value={one.series_id}>
            {one.series_id}
          </option>
        ))}
      </select>
      <select
        aria-label="Label set"
        value={labelSet.name}
        onChange={(event) => router.push(address(series.series_id, event.target.value))}
        className={`${FIELD} min-w-0 max-w-36 max-sm:max-w-none max-sm:grow max-sm:basis-2/5 lg:max-w-56`}
      >
        {(labelSets?.items ?? [labelSet]).map((one) => (
          <option key={one.name} value={one.name}>
            {one.name}
          </option>
        ))}
      </select>
      <TimeNavigation scene={scene} />
      <span className="flex-1 max-sm:hidden" />
      <label className="flex items-center gap-1 whitespace-nowrap text-muted text-xs max-sm:hidden">
        <input
          type="checkbox"
          checked={look.candles === "classic"}
          onChange={(event) => onLook({ ...look, candles: event.target.checked ? "classic" : "plain" })}
        />
        green and red
      </label>
      <label className="flex items-center gap-1 whitespace-nowrap text-muted text-xs max-sm:hidden">
        <input
          type="checkbox"
          checked={look.volume}
          onChange={(event) => onLook({ ...look, volume: event.target.checked })}
        />
        volume
      </label>
      <Button small look="quiet" aria-label="Shortcuts" onClick={onHelp} data-key="?">
        <span className="max-lg:hidden">Shortcuts</span> <Kbd>?</Kbd>
        {/* Where hints of keys are left out this one is the button's only text. */}
        <span aria-hidden="true" className="hidden pointer-coarse:inline max-sm:inline">
          ?
        </span>
      </Button>
    </div>
  );
}

/** Where in the series the window is, and a way to any other place of it. */
function TimeNavigation({ scene }: { scene: PageScene }) {
  const { series } = useWorkspace();
  const bars = useWindow((state) => state.bars);
  const cursor = useSession((state) => state.cursor);
  const [typed, setTyped] = useState("");
  const [first, last] = [msOf(series.first_time), msOf(series.last_time)];
  const at = cursor ?? bars.time.at(-1) ?? last;
  const go = (event: FormEvent) => {
    event.preventDefault();
    const time = Date.parse(/\d{2}:\d{2}/.test(typed) ? `${typed.trim().replace(" ", "T")}Z` : typed.trim());
    if (!Number.isNaN(time)) void scene.commands.jump(time);
  };
  return (
    <>
      <input
        type="range"
        aria-label="Place in the series"
        aria-valuetext={new Date(at).toISOString().slice(0, 10)}
        min={first}
        max={last}
        step={Math.max(1, (last - first) / 1000)}
        value={at}
        onChange={(event) => void scene.commands.jump(Number(event.target.value))}
        className="w-24 min-w-0 max-sm:grow max-sm:basis-1/4 lg:w-32"
      />
      <form onSubmit={go}>
        <input
          aria-label="Go to a time (UTC)"
          placeholder="go to 2010-03-04"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className={`${FIELD} w-32`}
        />
      </form>
    </>
  );
}
