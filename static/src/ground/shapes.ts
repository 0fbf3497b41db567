/** What the server answers, word for word as its OpenAPI document names it. Instants are ISO strings. */

export type Kind = "report" | "question" | "instruction" | "urgent" | "notice";
export type Level = "E1" | "E2" | "E3" | "E4";

export interface Person {
  id: string;
  name: string;
  name_kana: string;
  profession: string;
  facility: { id: string; name: string; kind: string } | null;
  is_administrator: boolean;
}

export interface Me {
  person: Person;
  csrf_token: string;
  vapid_public_key: string;
  demo: boolean;
}

export interface DemoPerson {
  id: string;
  name: string;
  profession: string;
  facility_name: string;
}

export interface Patient {
  name: string;
  kana: string;
  birth_date: string;
  age: number;
  sex: string;
  summary: string;
  address?: string;
  tel?: string;
}

export interface GroupLine {
  id: string;
  patient: Patient;
  last_sequence: number;
  last_mark: number;
  read_sequence: number;
  unread: number;
  last_post: { kind: Kind; excerpt: string; author_name: string; created_at: string; notice?: Notice | null } | null;
  open_alert_id: string | null;
  /** How many questions and instructions wait for my 了解. */
  awaiting: number;
}

export interface Member {
  person_id: string;
  name: string;
  name_kana: string;
  profession: string;
  facility_name: string;
  facility_tel: string;
  function: string | null;
  role: string;
  read_sequence: number;
  ends_at: string | null;
}

export interface Group {
  id: string;
  patient: Patient;
  host_facility: { id: string; name: string; tel: string };
  my: { role: string; function: string | null; permissions: string[] };
  members: Member[];
  last_sequence: number;
  last_mark: number;
  read_sequence: number;
}

export type Notice = Record<string, unknown> & { code: string };

export interface Revision {
  sequence: number;
  post_id: string;
  revision: number;
  kind: Kind;
  /** null when the system itself wrote it down. */
  author_id: string | null;
  created_at: string;
  reply_to: string | null;
  text: string | null;
  notice: Notice | null;
}

export interface Mark {
  mark: number;
  post_id: string;
  person_id: string;
  created_at: string;
}

export interface Someone {
  name: string;
  profession: string;
  facility_name: string;
}

export type People = Record<string, Someone>;

export interface Page {
  revisions: Revision[];
  marks: Mark[];
  people: People;
  last_sequence: number;
  last_mark: number;
  has_more: boolean;
}

export interface Changes {
  group_id: string;
  revisions: Revision[];
  marks: Mark[];
  people: People;
  last_sequence: number;
  last_mark: number;
}

export interface GroupsState {
  groups: { id: string; last_sequence: number; last_mark: number }[];
  open_alerts: string[];
}

export interface Facility {
  id: string;
  kind: string;
  name: string;
  tel: string;
  fax: string;
  address: string;
}

export interface Colleague {
  id: string;
  name: string;
  name_kana: string;
  profession: string;
}

export interface StepPerson {
  id: string;
  name: string;
  profession: string;
  facility_name: string;
  tel: string;
}

export interface AlertStep {
  n: number;
  target: string;
  people: StepPerson[];
  state: "waiting" | "running" | "passed" | "skipped" | "answered";
  started_at: string | null;
  wait_seconds: number;
}

export interface AlertEvent {
  n: number;
  at: string;
  kind: string;
  person_id: string | null;
  channel: string | null;
  step: number | null;
}

export type AlertState = "open" | "acknowledged" | "responding" | "arrived" | "resolved" | "cancelled";

export interface Alert {
  id: string;
  group_id: string;
  sequence: number;
  post_id: string;
  level: Level;
  state: AlertState;
  raised_at: string;
  raised_by: string;
  next_step_at: string | null;
  answered_by: string | null;
  outcome: string | null;
  version: number;
  steps: AlertStep[];
  events: AlertEvent[];
  people: People;
  /** null while the server cannot open the group's seals: the call itself goes on. */
  patient: Patient | null;
  text: string | null;
}

export interface AlertLine {
  id: string;
  group_id: string;
  level: Level;
  state: AlertState;
  raised_at: string;
  raised_by?: string;
  next_step_at?: string | null;
  answered_by?: string | null;
  patient?: Patient | null;
  people?: People;
}
