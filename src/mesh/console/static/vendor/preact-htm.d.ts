// The part of preact and htm that the console uses; the bundle itself is not type-checked.
export function html(strings: TemplateStringsArray, ...values: any[]): any;
export function render(node: any, parent: Element): void;
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useErrorBoundary(callback?: (error: any) => void): [any, () => void];
export function useMemo<T>(factory: () => T, inputs?: readonly unknown[]): T;
export function useRef(initial: any): { current: any };
export function useState(initial: any): [any, (value: any) => void];
