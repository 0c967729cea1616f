// What a dashboard's JSON must be: Grafana's own type, in the few places narrowed or widened where its files differ.
import type { Dashboard, DashboardLink, FieldConfig, GraphFieldConfig, Panel } from "@grafana/schema";

// JSON has no enumerations, only the texts that they stand for.
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

// The schema gives a panel's link all that a dashboard's has. Grafana itself stores less of it: the rest is left out.
type Link = Pick<DashboardLink, "title" | "url"> & Partial<DashboardLink>;

// The schema allows anything here, as plug-ins may have settings of their own; all that is set here is of time series.
type Field = Omit<FieldConfig, "custom"> & { custom?: GraphFieldConfig };

// Rows need no type: no dashboard has any.
type AnyPanel = Omit<Panel, "links" | "fieldConfig"> & {
  links?: Link[];
  fieldConfig: Omit<NonNullable<Panel["fieldConfig"]>, "defaults"> & { defaults: Field };
};

export type Written = Json<Omit<Dashboard, "panels"> & { panels: AnyPanel[] }>;
