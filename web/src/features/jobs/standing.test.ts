import { describe, expect, it } from "vitest";

import { job } from "./job-in-tests";
import {
  beginning,
  isStalled,
  jobName,
  progressWords,
  resultWords,
  secondsLeft,
  shareOf,
  statusWords,
} from "./standing";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const earlier = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe("a job that stalls", () => {
  it("is one that runs and has come no further for a minute", () => {
    expect(isStalled(job({ status: "running", progressed_at: earlier(61) }), NOW)).toBe(true);
    expect(isStalled(job({ status: "running", progressed_at: earlier(59) }), NOW)).toBe(false);
    expect(isStalled(job({ status: "queued", progressed_at: earlier(600) }), NOW)).toBe(false);
    expect(isStalled(job({ status: "running", started_at: earlier(61), progressed_at: null }), NOW)).toBe(true);
  });
});

describe("the time left", () => {
  const running = (done: number, stage = "predicting") =>
    job({ status: "running", progress: { done, total: 100, unit: "candles", stage } });

  it("follows from the pace of the present stage", () => {
    const began = beginning(null, running(10), NOW);
    expect(secondsLeft(running(30), beginning(began, running(30), NOW + 10_000), NOW + 10_000)).toBe(35);
  });

  it("is not told before there is something to go by", () => {
    const began = beginning(null, running(10), NOW);
    expect(secondsLeft(running(11), began, NOW + 500)).toBeNull();
    expect(secondsLeft(running(10), began, NOW + 10_000)).toBeNull();
    expect(secondsLeft(running(30), null, NOW)).toBeNull();
  });

  it("begins anew with a stage, or when a job counts from the beginning again", () => {
    const began = beginning(null, running(50), NOW);
    expect(beginning(began, running(60), NOW + 1)).toBe(began);
    expect(beginning(began, running(60, "fit"), NOW + 1)).toEqual({ stage: "fit", done: 60, at: NOW + 1 });
    expect(beginning(began, running(0), NOW + 1)).toEqual({ stage: "predicting", done: 0, at: NOW + 1 });
  });
});

it("says where a job stands", () => {
  expect(statusWords(job({ status: "running", progressed_at: earlier(1) }), NOW)).toBe("running");
  expect(statusWords(job({ status: "running", progressed_at: earlier(90) }), NOW)).toBe("stalled");
  expect(statusWords(job({ status: "running", cancel_requested: true }), NOW)).toBe("stopping");
  expect(statusWords(job({ scheduled_for: earlier(-45) }), NOW)).toBe("starts in 45 s");
  expect(statusWords(job({ status: "failed" }), NOW)).toBe("failed");
  expect(progressWords(job({ progress: { done: 1_200, total: 5_000, unit: "candles", stage: null } }))).toBe(
    "1,200 of 5,000 candles",
  );
  expect([shareOf(job({})), shareOf(job({ status: "succeeded" }))]).toEqual([null, 1]);
});

it("tells work that somebody asked for from what candleloop does by itself", () => {
  expect(jobName(job({ kind: "train" }))).toBe("Train");
  expect(jobName(job({ kind: "train", requested_by: "feedback" }))).toBe("Retrain after feedback");
  expect(jobName(job({ kind: "batch", requested_by: "promotion" }))).toBe("Renew stored predictions");
});

it("says what came out", () => {
  expect(resultWords(job({ result: { series: 4, spans: 1_600, by_label: {} } }))).toBe(
    "1,600 spans found in 4 series.",
  );
  const batch = {
    file: null,
    media_type: null,
    model_version: "ab",
    inputs: 2,
    candles: 900,
    predictions: 3,
    problems: 1,
  };
  expect(resultWords(job({ result: batch }))).toBe(
    "3 predictions in 2 series, 900 candles. 1 of them could not be predicted.",
  );
  expect(resultWords(job({}))).toBeNull();
});
