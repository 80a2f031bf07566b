// The page for addresses that do not exist.
import { translate } from "./text.js";

translate();
