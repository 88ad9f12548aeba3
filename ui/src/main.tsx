// Starts the app.
import { render } from "preact";
import { App } from "./app.tsx";
import { answersQueries } from "./config.ts";
import { startPanels } from "./query/panels.ts";
import { startRouter } from "./state/router.ts";
import { startSettings } from "./state/settings.ts";
import { startStores } from "./state/stores.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/query.css";
import "./style/pages.css";

const root = document.getElementById("app");
if (root !== null) {
  startSettings();
  startRouter();
  if (answersQueries) {
    startStores();
    startPanels();
  }
  render(<App />, root);
}
