// What the pages say, in the browser's language: Chinese, or English.
const TEXTS = {
  en: {
    skip: "Skip to the goods", recommend: "Recommended for you", discount: "On sale",
    footer: "Goods for those who run services.", signIn: "Sign in", signOut: "Sign out",
    signInHint: "A name is enough; a new one is registered.", name: "Name", try: "Try",
    score: "score", sold: "sold", stock: "in stock", likes: "like it", branch: "branch",
    recommendBanner: "New picks, just for you", recommendBannerMore: "A fresh recommendation is being tried here.",
    discountBanner: "Half the price, all the uptime", discountBannerMore: "New discounts are being tried here.",
    failed: "This area does not answer just now. The others do.", retry: "Try again", empty: "Nothing here today.",
    offline: "The mall does not answer just now.", nameNeeded: "Please give a name of 1 to 64 characters.",
  },
  zh: {
    skip: "跳到商品", recommend: "推荐商品", discount: "折扣商品",
    footer: "献给运行服务的人。", signIn: "登录", signOut: "退出",
    signInHint: "输入名字即可，新名字会自动注册。", name: "名字", try: "试试",
    score: "评分", sold: "已售", stock: "库存", likes: "人收藏", branch: "分支",
    recommendBanner: "为你新选", recommendBannerMore: "新的推荐正在这里试用。",
    discountBanner: "半价好物", discountBannerMore: "新的折扣正在这里试用。",
    failed: "这个区域暂时没有回应，其他区域正常。", retry: "重试", empty: "今天这里没有商品。",
    offline: "商城暂时没有回应。", nameNeeded: "请输入 1 到 64 个字符的名字。",
  },
};

export const language = (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
export const text = (key) => TEXTS[language][key] ?? key;

export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}
