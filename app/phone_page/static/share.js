// In WeChat only: asks WeChat's own script to put title, text and address of the survey on the
// card that people share. Whatever fails here is of no consequence for the page. ES2015.
(() => {
  "use strict";
  const { sdk, signature, link, title, description, picture } = document.currentScript.dataset;
  const card = { title, desc: description, link, imgUrl: picture };
  const names = ["updateAppMessageShareData", "updateTimelineShareData"];

  const configure = (signed) => {
    const { wx } = window;
    wx.ready(() => { for (const name of names) wx[name](card); });
    wx.config({
      appId: signed.app_id,
      timestamp: signed.timestamp,
      nonceStr: signed.nonce,
      signature: signed.signature,
      jsApiList: names,
    });
  };

  const script = document.createElement("script");
  script.src = sdk;
  script.async = true;
  script.addEventListener("load", () => {
    const url = encodeURIComponent(window.location.href.split("#")[0]);
    window.fetch(`${signature}?url=${url}`)
      .then((reply) => reply.ok ? reply.json().then(configure) : null)
      .catch(() => null);
  });
  document.head.appendChild(script);
})();
