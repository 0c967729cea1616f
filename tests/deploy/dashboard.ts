// The type of a dashboard's JSON: Grafana's own type, changed where Grafana's own files differ from it.
import type { Dashboard, DashboardLink, FieldConfig, GraphFieldConfig, Panel } from "@grafana/schema";

// JSON has the values of enumerations as strings.
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

// In the schema, a panel's link has all properties of a dashboard's link. Grafana stores only some of them.
type Link = Pick<DashboardLink, "title" | "url"> & Partial<DashboardLink>;

// The schema allows any value here, because plug-ins have settings of their own; ours are those of time series.
type Field = Omit<FieldConfig, "custom"> & { custom?: GraphFieldConfig };

// Rows need no type: no dashboard has any.
type AnyPanel = Omit<Panel, "links" | "fieldConfig"> & {
  links?: Link[];
  fieldConfig: Omit<NonNullable<Panel["fieldConfig"]>, "defaults"> & { defaults: Field };
};

export type Written = Json<Omit<Dashboard, "panels"> & { panels: AnyPanel[] }>;
