/** 12,345 */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** 1 span, 2 spans */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** 0.8123 as 81 %; what is more than nothing is never shown as 0, what is less than all never as 100. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}

/** A score between 0 and 1 as .82, what cannot be measured as a dash. */
export function score(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value >= 0.995 ? "1.0" : value.toFixed(2).replace(/^0/, "");
}

/** A 95 % interval as .74–.86 */
export function interval(value: readonly number[] | null | undefined): string {
  const [low, high] = value ?? [];
  return low === undefined || high === undefined ? "" : `${score(low)}–${score(high)}`;
}

/** Seconds as people say them: 45 s, 3 min, 1 h 20 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const TIMEFRAMES = [
  [604_800, "w"],
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
] as const;

/** 3600 as 1h, as in the ids of series. */
export function timeframe(seconds: number): string {
  const [size, letter] = TIMEFRAMES.find(([unit]) => seconds % unit === 0) ?? [1, "s"];
  return `${seconds / size}${letter}`;
}

/** A moment of the service in UTC: 2026-11-25 17:01. */
export function moment(iso: string): string {
  return new Date(iso).toISOString().slice(0, 16).replace("T", " ");
}

/** The day of a bar, UTC. */
export function day(iso: string): string {
  return iso.slice(0, 10);
}

/** How long ago, in words that stay true for a while. */
export function ago(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  return seconds < 5 ? "just now" : `${duration(seconds)} ago`;
}

/** bullish_harami as Bullish harami. */
export function labelName(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** 3.4 MB */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  if (value < 1_000_000) return `${Math.round(value / 1_000)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}
