// All that the page says, Chinese first; and numbers, days and times as people read them.

const TEXTS = {
  page: ["调查结果", "Survey results"],
  loading: ["正在读取……", "Reading …"],
  language: ["English", "中文"],
  wall: ["大屏", "Wall"],
  choices: ["选择范围", "What is shown"],
  population: ["人群", "Population"],
  everybody: ["全部", "All"],
  level: ["层级", "Level"],
  above: ["返回{name}", "Back to {name}"],
  whole_table: ["数字表（{n} 行）", "Table ({n} rows)"],
  more: ["再显示 {n} 行", "{n} more rows"],
  chart_of: ["图：{title}。全部数字在下面的表里。", "Chart: {title}. The table below has all figures."],

  live: ["实时数据", "Live"],
  release: ["第 {n} 次发布", "Release {n}"],
  final: ["最终发布", "final"],
  as_of: ["截至 {time}（北京时间）", "As of {time} (Beijing time)"],
  read_at: ["读取于 {time}", "Read at {time}"],
  draft: ["未开始", "Not begun"],
  open: ["进行中", "Open"],
  closed: ["已结束", "Closed"],
  archived: ["已归档", "Archived"],
  sandbox: ["沙箱：试用数据，不是任何人的意见", "Sandbox: for trying, nobody's opinion"],

  headline: ["总体满意率", "Overall satisfaction"],
  composite_of: [
    "按权重合成：{parts}。", "Composite of populations by weight: {parts}.",
  ],
  interval: ["95% 区间 {interval}", "95 % interval {interval}"],
  no_interval: ["没有区间：{why}", "No interval: {why}"],
  no_votes: ["还没有人表态", "nobody has taken a side yet"],
  more_than_heads: ["答卷多于上报人数，两数必有一错",
    "more respondents than people: one of the numbers is wrong"],
  several_answers: ["一人可选多项", "one person may give several answers"],
  sample: ["抽样", "Sample"],
  indicative: ["参考", "Indicative"],
  none: ["无区间", "No interval"],
  sample_means: [
    "电话抽样访问：如果样本是随机抽取的，同样的调查做 100 次，约有 95 次的区间包含真实值。",
    "By telephone alone: of 100 random samples drawn likewise, some 95 intervals hold the true " +
    "value."],
  indicative_means: [
    "参考：作答者自愿参加，不是随机抽取，不一定代表所有人；区间只说明偶然误差。",
    "Indicative: people chose whether to answer and may differ from the others; the interval " +
    "tells of chance alone."],
  dont_know: ["不了解 {share}", "Don't know {share}"],
  respondents: ["答卷 {n} 人", "{n} respondents"],
  people: ["答卷人数", "Respondents"],
  included: ["其中 {n} 人计入上面的数字；其余的人所在单位答卷太少，为保护隐私没有计入。",
    "{n} of them are in the figures; the others are in groups too small to be shown."],
  included_none: ["答卷太少的单位不显示数字，以保护作答者的隐私。",
    "To protect people, figures of groups this small are not shown."],
  hidden: ["人数太少，不显示", "Too few people to show"],
  no_answers: ["尚无答卷", "No answers yet"],
  unreleased: ["还没有发布", "Not released yet"],
  no_rate: ["没有人表态", "Nobody took a side"],
  by_population: ["各人群", "By population"],

  questions: ["各项满意率", "Satisfaction by question"],
  questions_say: ["最高：{best}（{high}）；最低：{worst}（{low}）。",
    "Highest: {best} ({high}); lowest: {worst} ({low})."],
  lines: ["圆点是满意率，横线是 95% 区间。", "Dots are rates, lines their 95 % intervals."],
  shares: ["回答分布", "How people answered"],
  shares_say: ["占回答该题的人的比例，含“不了解”。", "Of those who answered, don't-know included."],
  question: ["题目", "Question"],
  rate: ["满意率", "Rate"],
  answered: ["作答", "Answered"],
  not_same: ["各人群的题目版本不同，请分人群看", "Asked differently: read by population"],

  coverage: ["参与覆盖", "Coverage"],
  target: ["目标", "Target"],
  target_is: ["{name}：{basis}的 {share}", "{name}: {share} of {basis}"],
  students: ["学生数", "students"], parents: ["家长数", "parents"],
  teachers: ["教师数", "teachers"], residents: ["居民数", "residents"],
  issued: ["发放数", "those issued"],
  coverage_say: ["{unit}：目标 {required} 人，已答 {responded} 人，完成 {progress}。",
    "{unit}: {responded} of {required} required, {progress} done."],
  coverage_gap: ["还差 {n} 人。", "{n} to go."],
  coverage_met: ["已达标。", "Target met."],
  units_met: ["{all} 个单位中有 {met} 个达标。", "{met} of {all} units have met it."],
  furthest: ["图中是差距最大的 {n} 个。", "The chart shows the {n} furthest behind."],
  expected: ["按目前进度，预计{day}达标。", "At this pace it is met on {day}."],
  expected_on: ["预计达标", "Expected"],
  pace: ["近来每天 {n} 人。", "Lately {n} a day."],
  late: ["晚于调查截止日。", "That is after closing."],
  basis_missing: ["其中 {n} 个单位没有上报人数，实际目标人数更多。",
    "{n} units have not stated their numbers: at least so many are required."],
  unit: ["单位", "Unit"],
  responded: ["已答", "Responded"],
  required: ["目标人数", "Required"],
  share: ["覆盖率", "Share"],
  gap: ["还差", "To go"],
  met: ["达标", "Met"],
  no_basis: ["人数未上报", "Number of people unknown"],
  no_targets: ["这次调查没有设覆盖目标。", "This campaign has no coverage targets."],

  ranking: ["排名", "Ranking"],
  ranking_say: ["{n} 个单位参加排名。", "{n} units are ranked."],
  ranking_means: ["名次范围是偶然误差之内可能的名次；两个单位的范围重叠，先后可能只是偶然。",
    "The range says which ranks chance allows: where ranges overlap, so may the order."],
  nobody_ranked: ["还没有单位达到排名条件，下面只列出各单位的数字，不分先后。",
    "No unit can be ranked yet; the figures below are in no order."],
  unranked_say: ["{n} 个单位不参加排名（空心圆）。", "{n} units are not ranked (hollow)."],
  unranked_why: ["不参加排名的原因：{why}。", "Reasons for not being ranked: {why}."],
  too_few: ["表态人数不足 {n}", "fewer than {n} took a side"],
  below_target: ["未达覆盖目标", "below a coverage target"],
  ends: ["图中是前 {top} 名和后 {bottom} 名。", "The chart shows the top {top} and bottom {bottom}."],
  first_ones: ["图中是前 {n} 个。", "The chart shows {n} of them."],
  only_channels: ["只按{channels}答卷排名。", "By {channels} alone."],
  rank: ["名次", "Rank"],
  ranks: ["名次 {from}–{to}", "Ranks {from}–{to}"],
  equity: ["差异系数 {cv}（按学生数加权，{n} 个单位）。",
    "Coefficient of variation {cv}, weighted by students, {n} units."],
  unranked: ["不排名", "Not ranked"],
  below: ["查看 {name} 各单位", "Show the units of {name}"],

  trend: ["历次变化", "Trend"],
  first_wave: ["以前没有可以对比的调查。下次调查之后，这里会显示变化。",
    "The first campaign of its kind: changes show after the next."],
  change: ["{population}：与上次（{before}）相比 {points} 个百分点，{significance}。",
    "{population}: {points} percentage points since {before}; {significance}."],
  significant: ["差异显著（p {p}）", "a significant change (p {p})"],
  not_significant: ["差异不显著，可能只是偶然（p {p}）", "not significant, perhaps chance (p {p})"],
  other_mode: ["两次的调查方式不同，变化也可能由此而来。",
    "People were asked in other ways; that alone may have moved the rate."],
  not_compared: ["与上次不可比：{why}。", "Not comparable with the one before: {why}."],
  other_question: ["题目或选项不同", "questions or options differ"],
  suppressed: ["人数太少不显示", "too few people to be shown"],
  not_asked: ["有一次没有这道题", "one of them does not ask it"],
  campaign: ["调查", "Campaign"],
  compared: ["与上次相比", "Change"],

  method: ["这些数字怎么来", "How these figures are made"],
  method_rate: ["满意率 =（满意 + 基本满意）÷（满意 + 基本满意 + 不满意），“不了解”和未答不在其中。",
    "Rate = (satisfied + basically satisfied) ÷ (both + dissatisfied); don't-know and missing " +
    "answers are not in it."],
  method_interval: ["区间为 95% 威尔逊区间，作有限总体修正；多题合计按人聚类。",
    "Intervals: Wilson's at 95 % with finite population correction, pooled votes clustered " +
    "by person."],
  method_release: ["公开数字来自定期发布的固定版本：不足 {n} 人的分组不计入，任何两个数字相减都不会少于 {n} 人。",
    "Public figures are frozen releases: groups under {n} persons are left out, and no two " +
    "figures differ by fewer than {n}."],
  method_live: ["这是本局内部的实时数字，没有隐去小分组：请勿公开。",
    "These are the bureau's own live figures with small groups shown: not for publication."],
  digest: ["本次发布的校验码 {digest}", "Digest of this release {digest}"],
  publications: ["正式通报", "Publications"],
  publication: ["第 {n} 号", "No. {n}"],
  corrected: ["已由第 {n} 号更正", "corrected by no. {n}"],

  sign_in: ["请输入查看结果用的编号和密钥", "Enter the credentials that read results"],
  sign_in_why: ["由教育局发放，只在本窗口保存，关闭即忘。",
    "Given by the bureau; kept in this window only, and forgotten when it closes."],
  client_id: ["客户端编号", "Client id"],
  client_secret: ["密钥", "Secret"],
  enter: ["查看", "Show the results"],
  wrong: ["编号或密钥不对，或已停用。请核对后再试，或向发放的人要新的。",
    "The id or secret is wrong or revoked. Check both, or ask for new ones."],
  scope: ["这个客户端不能读结果：请换一个有 results:read 权限的。",
    "This client may not read results: use one with the scope results:read."],
  network: ["这个客户端不允许从这里的网络访问：请换网络，或请管理员放开。",
    "This client may not call from this network: change it, or ask the operator."],
  unknown: ["没有这项调查，或不在您的范围内。请核对地址：{code}",
    "There is no such campaign, or not in your region. Check the address: {code}"],
  unknown_part: ["没有这个单位、人群或层级，或不在您的范围内。",
    "There is no such unit, population or level, or not in your region."],
  to_whole: ["查看全部范围", "Show the whole region"],
  no_release: ["还没有发布结果。结果每晚发布一次，发布后这里自动显示。下面先看参与情况。",
    "No release yet. One is made every night and shows here by itself. Coverage is below."],
  offline: ["没有网络。", "No network."],
  too_many: ["请求太多。", "Too many requests."],
  busy: ["服务器正忙。", "The server is busy."],
  other: ["没有读到结果（{status}）。", "The results could not be read ({status})."],
  again: ["约 {seconds} 秒后自动再试。", "Trying again in some {seconds} seconds."],
  old: ["下面是 {time} 读到的数字。", "Below are the figures read at {time}."],
  reference: ["编号 {id}", "Reference {id}"],
  try_now: ["现在重试", "Try now"],
};

const NAMES = {
  parent: ["家长", "Parents"], parents: ["家长", "Parents"],
  student: ["学生", "Students"], students: ["学生", "Students"],
  teacher: ["教师", "Teachers"], teachers: ["教师", "Teachers"],
  resident: ["社会人士", "Residents"], public: ["社会人士", "Public"],
  province: ["省", "Provinces"], city: ["市", "Cities"], county: ["县市区", "Counties"],
  district: ["学区", "Districts"], school: ["学校", "Schools"], grade: ["年级", "Grades"],
  class: ["班级", "Classes"],
  feedback: ["问卷反馈率", "Feedback rate"],
  semester: ["学期覆盖", "Semester"], telephone: ["电话访问", "Telephone"],
  wechat: ["微信", "WeChat"], link: ["链接", "link"], invitation: ["邀请码", "invitation"],
  phone: ["电话", "telephone"], onsite: ["现场", "onsite"], paper: ["纸质", "paper"],
};
// The six indicators that ship, in a word or two; other questions are called by their own text.
const SIX = {
  overall: ["整体办学水平", "Overall"], ethics: ["师德表现", "Teachers' conduct"],
  teaching: ["教学工作", "Teaching"], workload: ["学生课业负担", "Amount of schoolwork"],
  conditions: ["学习生活条件及服务", "Conditions and services"],
  safety: ["校园安全环境", "Campus safety"],
};

export const LANGUAGES = ["zh-CN", "en"];
let chosen = 0;

export function speak(language) {
  chosen = Math.max(0, LANGUAGES.indexOf(language));
  document.documentElement.lang = LANGUAGES[chosen];
}
export const language = () => LANGUAGES[chosen];
export const otherLanguage = () => LANGUAGES[1 - chosen];

// Codes of a newer server, which this page has no words for, stand as they are.
export function t(key, values = {}) {
  return (TEXTS[key]?.[chosen] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
export const nameOf = (code) => NAMES[code]?.[chosen] ?? code;
export const indicator = (questionnaire, code) =>
  questionnaire === "satisfaction-six" ? SIX[code]?.[chosen] : undefined;
// A text in several languages: the page's own, else whichever there is.
export const inWords = (texts) =>
  texts?.[LANGUAGES[chosen]] ?? texts?.["zh-CN"] ?? Object.values(texts ?? {})[0] ?? "";

export const count = (n) => n.toLocaleString("en-US");
export const percent = (share, digits = 1) => `${(share * 100).toFixed(digits)}%`;
// A share that somebody set, such as 1.5 ‰, with all its digits.
export const given = (share) => `${Number((share * 100).toFixed(4))}%`;
export const span = (interval) => `${percent(interval[0])}–${percent(interval[1])}`;
export const points = (difference) => {
  const said = (difference * 100).toFixed(1);
  return Number(said) === 0 ? "0.0" : difference > 0 ? `+${said}` : said.replace("-", "−");
};
export const pValue = (p) => (p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`);

const clock = (options) => (instant) =>
  new Intl.DateTimeFormat(language(), { timeZone: "Asia/Shanghai", ...options })
    .format(new Date(instant));
export const moment = clock({ dateStyle: "long", timeStyle: "short", hourCycle: "h23" });
export const hour = clock({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const day = clock({ dateStyle: "long" });

export function period(code) {
  const [, year, season] = /^(\d{4})-(autumn|spring)$/.exec(code ?? "") ?? [];
  if (!year) return code ?? "";
  const seasons = { autumn: ["秋季", "autumn"], spring: ["春季", "spring"] };
  return chosen ? `${seasons[season][1]} ${year}` : `${year} 年${seasons[season][0]}`;
}
