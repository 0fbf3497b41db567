/** Times as people in Japan say them. Everything is told in Japan's time, whatever the phone is set to. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Japan has had one offset and no summer time since 1951. */
const JAPAN = 9 * HOUR;
const WEEKDAYS = "日月火水木金土";

interface Wall {
  day: number;
  year: number;
  month: number;
  date: number;
  weekday: string;
  clock: string;
}

function wall(at: number): Wall {
  const shifted = new Date(at + JAPAN);
  const minutes = String(shifted.getUTCMinutes()).padStart(2, "0");
  return {
    day: Math.floor((at + JAPAN) / DAY),
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    date: shifted.getUTCDate(),
    weekday: WEEKDAYS[shifted.getUTCDay()] ?? "",
    clock: `${shifted.getUTCHours()}:${minutes}`,
  };
}

/** 今日, きのう, 11月20日(金), 2025年3月2日(日). */
export function dayName(instant: string | number, now = Date.now()): string {
  const then = wall(new Date(instant).getTime());
  const today = wall(now);
  if (then.day === today.day) return "今日";
  if (then.day === today.day - 1) return "きのう";
  if (then.day === today.day + 1) return "あす";
  const date = `${then.month}月${then.date}日(${then.weekday})`;
  return then.year === today.year ? date : `${then.year}年${date}`;
}

/** 19:40 */
export function clock(instant: string | number): string {
  return wall(new Date(instant).getTime()).clock;
}

/** 今日 19:40 */
export function saidTime(instant: string | number, now = Date.now()): string {
  return `${dayName(instant, now)} ${clock(instant)}`;
}

/** For a narrow column: 19:40 today, else the day. */
export function shortTime(instant: string | number, now = Date.now()): string {
  const day = dayName(instant, now);
  return day === "今日" ? clock(instant) : day;
}

/** 11/19, in a line where every letter counts; with its year when that is another one. */
export function shortDate(instant: string | number, now = Date.now()): string {
  const then = wall(new Date(instant).getTime());
  const date = `${then.month}/${then.date}`;
  return then.year === wall(now).year ? date : `${then.year}/${date}`;
}

/** A number that is the same for all instants of one day in Japan. */
export function dayNumber(instant: string | number): number {
  return wall(new Date(instant).getTime()).day;
}

/** 3分12秒, for a countdown; never below zero. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)}時間${minutes % 60}分`;
  return minutes > 0 ? `${minutes}分${String(seconds % 60).padStart(2, "0")}秒` : `${seconds}秒`;
}

/** 15時間, 1時間30分: how long something lasts. */
export function lasting(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return `${hours > 0 ? `${hours}時間` : ""}${rest > 0 || hours === 0 ? `${rest}分` : ""}`;
}

/** "2026-11-22" of an instant, in Japan. */
export function dateInput(instant: string | number): string {
  const { year, month, date } = wall(new Date(instant).getTime());
  return `${year}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`;
}

/** "2026-11-22T19:40" typed by a person in Japan, as an instant with its offset. */
export function fromWall(typed: string): string {
  return `${typed.length === 16 ? `${typed}:00` : typed}+09:00`;
}

/** The other way: what an <input type="datetime-local"> shows for an instant. */
export function toWall(instant: string): string {
  const at = new Date(instant).getTime();
  return `${dateInput(at)}T${clock(at).padStart(5, "0")}`;
}

/** 2026年8月30日 for "2026-08-30"; what is no date stays as it is. */
export function calendarDay(date: string): string {
  const [, year, month, day] = date.match(/^(\d{4})-(\d{2})-(\d{2})$/) ?? [];
  return year ? `${year}年${Number(month)}月${Number(day)}日` : date;
}

/** 1942年3月5日 with the era people know it by: 昭和17年3月5日. */
export function birthday(date: string): string {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  return `${eraYear(year, month, day)}（${year}年）${month}月${day}日`;
}

function eraYear(year: number, month: number, day: number): string {
  const number = year * 10_000 + month * 100 + day;
  const eras: [number, string, number][] = [
    [20190501, "令和", 2018],
    [19890108, "平成", 1988],
    [19261225, "昭和", 1925],
    [19120730, "大正", 1911],
    [18680125, "明治", 1867],
  ];
  const era = eras.find(([start]) => number >= start);
  if (!era) return "";
  const count = year - era[2];
  return `${era[1]}${count === 1 ? "元" : count}年`;
}
