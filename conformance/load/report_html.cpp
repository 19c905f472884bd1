#include "report.hpp"

#include "../report/spec_markdown.hpp"
#include "../runner.hpp"
#include "plot.hpp"
#include "words.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

// One file that needs nothing else, in the looks of the report of a run.

namespace bsp::conformance {

namespace embedded {
extern std::string_view const html_page, html_style, load_style;
}

namespace load {
namespace {

constexpr std::string_view colours[] = {"s1", "s2", "s3", "s4"};

std::string of_microseconds(double us) { return duration_words(static_cast<std::uint64_t>(std::llround(us))); }
std::string of_seconds(double s) { return number_words(s) + " s"; }

std::string cell(std::string const& text) { return "<td>" + html_text(text) + "</td>"; }

std::string row(std::string const& name, std::uint64_t offered, std::uint64_t well, histogram const& h, char const* classes = "") {
    std::string out = "<tr class=\"" + std::string{classes} + "\">" + cell(name) + cell(number_words(static_cast<double>(offered))) + cell(number_words(static_cast<double>(well)));
    for (double const q : {0.5, 0.9, 0.99, 0.999}) out += cell(h.count() == 0 ? "–" : duration_words(h.quantile(q)));
    return out + cell(h.count() == 0 ? "–" : duration_words(h.max())) + "</tr>";
}

struct curve {
    std::string name;
    std::string_view colour;
    histogram const& values;
};

/// Values over 1/(1-q): every step to the right is ten times rarer.
std::string percentile_plot(std::string const& title, std::string const& words, std::vector<curve> const& curves) {
    std::vector<series> all;
    double least = 1e18, greatest = 0, rarest = 1;
    for (auto const& c : curves) {
        auto const& h = c.values;
        if (h.count() == 0) continue;
        series s{c.name, std::string{c.colour}, {}};
        auto const height = [](std::uint64_t us) { return std::log10(static_cast<double>(std::max<std::uint64_t>(1, us))); };
        double const end = std::log10(static_cast<double>(h.count()));
        for (double at = 0; at < end; at += 0.05) s.points.emplace_back(at, height(h.quantile(1 - std::pow(10, -at))));
        s.points.emplace_back(end, height(h.max()));
        least = std::min(least, static_cast<double>(std::max<std::uint64_t>(1, h.quantile(0.05))));
        greatest = std::max(greatest, static_cast<double>(h.max()));
        rarest = std::max(rarest, end);
        all.push_back(std::move(s));
    }
    if (all.empty()) return {};
    axis x{0, rarest, {}};
    for (auto const& [at, label] : {std::pair{0.30103, "50 %"}, {1.0, "90 %"}, {2.0, "99 %"}, {3.0, "99.9 %"}, {4.0, "99.99 %"}, {5.0, "99.999 %"}})
        if (at <= rarest) x.ticks.emplace_back(at, label);
    return figure_of(title, words, x, log_axis(least, greatest, of_microseconds), all);
}

std::string latency_plot(figures const& f) {
    std::vector<curve> curves;
    for (auto const o : all_operations) curves.push_back({std::string{to_string(o)}, colours[static_cast<std::size_t>(o)], f.of[static_cast<std::size_t>(o)].since_due});
    return percentile_plot("Latency", "that so many requests did not exceed, from when they were due", curves);
}

/// Where the time went: a request waits for the generator, then for earlier ones of its peer, then for its answer.
std::string waiting_plot(figures const& f) {
    auto const due = f.all_since_due(), sent = f.all_since_sent();
    return percentile_plot("Waiting", "where the time went, all operations", {{"from when due", "s5", due}, {"from when sent", "s1", sent}, {"lag of the generator", "put-off", f.effort.lag}});
}

std::string throughput_plot(figures const& f) {
    double const seconds = std::chrono::duration<double>{f.interval}.count();
    series offered{"due", "faint", {}}, well{"answered well", "good", {}, true}, put_off{"put off (429, 503)", "put-off", {}}, failed{"failed", "bad", {}, true};
    double most = 1;
    bool any_put_off = false, any_failed = false;
    for (std::size_t i = 0; i < f.over_time.size(); ++i) {
        auto const& t = f.over_time[i];
        double const end = std::chrono::duration<double>{f.duration}.count();
        double const length = std::max(1e-3, std::min(seconds, end - static_cast<double>(i) * seconds));
        double const at = (static_cast<double>(i) + 0.5) * seconds;
        auto const n = [&](std::uint64_t count) { return static_cast<double>(count) / length; };
        auto const later = t.ended[static_cast<std::size_t>(ending::limited)] + t.ended[static_cast<std::size_t>(ending::busy)], bad = failures_of(t.ended);
        offered.points.emplace_back(at, n(t.offered));
        well.points.emplace_back(at, n(t.ended[static_cast<std::size_t>(ending::ok)]));
        put_off.points.emplace_back(at, n(later));
        failed.points.emplace_back(at, n(bad));
        any_put_off |= later > 0;
        any_failed |= bad > 0;
        for (auto const* s : {&offered, &well, &put_off, &failed}) most = std::max(most, s->points.back().second);
    }
    std::vector<series> all{well, offered};
    if (any_put_off) all.push_back(put_off);
    if (any_failed) all.push_back(failed);
    return figure_of("Throughput", "requests a second, over time", linear_axis(std::chrono::duration<double>{f.duration}.count(), of_seconds), linear_axis(most, number_words), all);
}

std::string latency_over_time(figures const& f) {
    double const seconds = std::chrono::duration<double>{f.interval}.count();
    series middle{"p50", "s1", {}}, high{"p99", "s4", {}};
    double least = 1e18, greatest = 0;
    for (std::size_t i = 0; i < f.over_time.size(); ++i) {
        auto const& h = f.over_time[i].since_due;
        double const gap = std::numeric_limits<double>::quiet_NaN();
        if (h.count() == 0) middle.points.emplace_back(0, gap), high.points.emplace_back(0, gap);
        if (h.count() == 0) continue;
        double const at = (static_cast<double>(i) + 0.5) * seconds, low = std::max<double>(1, static_cast<double>(h.quantile(0.5))), top = std::max<double>(1, static_cast<double>(h.quantile(0.99)));
        middle.points.emplace_back(at, std::log10(low));
        high.points.emplace_back(at, std::log10(top));
        least = std::min(least, low), greatest = std::max(greatest, top);
    }
    if (greatest <= 0) return {};
    return figure_of("Latency over time", "of what was due then, all operations", linear_axis(std::chrono::duration<double>{f.duration}.count(), of_seconds), log_axis(least / 1.3, greatest * 1.3, of_microseconds), {high, middle});
}

/// Nothing when nothing failed.
std::string failures_over_time(figures const& f) {
    constexpr std::pair<ending, std::string_view> kinds[] = {{ending::refused, "bad"}, {ending::timeout, "s3"}, {ending::closed, "s4"}, {ending::error, "s1"}, {ending::unexpected, "s2"}, {ending::wrong, "s5"}};
    double const seconds = std::chrono::duration<double>{f.interval}.count();
    double most = 0;
    std::vector<series> all;
    for (auto const& [kind, colour] : kinds) {
        series s{std::string{in_words(kind)}, std::string{colour}, {}};
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < f.over_time.size(); ++i) {
            auto const n = f.over_time[i].ended[static_cast<std::size_t>(kind)];
            s.points.emplace_back((static_cast<double>(i) + 0.5) * seconds, static_cast<double>(n) / seconds);
            most = std::max(most, s.points.back().second);
            sum += n;
        }
        if (sum > 0) all.push_back(std::move(s));
    }
    if (all.empty()) return {};
    return figure_of("Failures", "requests a second, over time", linear_axis(std::chrono::duration<double>{f.duration}.count(), of_seconds), linear_axis(most, number_words), all);
}

std::string number(std::string const& value, std::string const& what) { return "<div><b>" + html_text(value) + "</b><span>" + html_text(what) + "</span></div>"; }

std::string flaws_of(account const& a) {
    if (a.data.flaws.empty()) return {};
    std::string out = "<h2>Not as acknowledged <small>" + std::to_string(a.data.flaws_in_all) + "</small></h2>";
    constexpr std::size_t open_max = 4;
    for (std::size_t i = 0; i < a.data.flaws.size(); ++i) {
        auto const& r = a.data.flaws[i];
        if (i == open_max) out += "<details class=\"kin\"><summary>" + std::to_string(a.data.flaws.size() - open_max) + " more" + (a.data.flaws_in_all > a.data.flaws.size() ? ", of " + std::to_string(a.data.flaws_in_all - open_max) + " in all" : "") + "</summary>";
        out += "<article class=\"card fail\"><span class=\"pill fail\">" + std::string{to_string(r.flaw.what)} + "</span><h3>" + html_text(r.flaw.message.empty() ? "conversation " + r.flaw.conversation : "message " + r.flaw.message) + "</h3><div class=\"where\">conversation " +
               html_text(r.flaw.conversation) + " of user " + html_text(r.user) + "</div><dl class=\"verdicts\"><dt>found</dt><dd class=\"actual\">" + html_text(r.flaw.words) + "</dd><dt>digest</dt><dd class=\"mono\">" + html_text(r.expected) + " expected<br>" + html_text(r.actual) +
               " found</dd></dl><div class=\"command\"><pre>" + html_text(r.curl) + "</pre></div></article>";
    }
    if (a.data.flaws.size() > open_max) out += "</details>";
    return out;
}

std::string body_of(account const& a) {
    auto const& f = a.figures;
    auto const all = f.all_ended();
    auto const h = f.all_since_due();
    auto const well = all[static_cast<std::size_t>(ending::ok)];
    std::string const colour = a.exit_code == exit_code::conformant ? "pass" : a.exit_code == exit_code::failed ? "fail" : "open";
    std::string out = "<header><div class=\"inner\"><h1>BSP under load</h1><div class=\"headline " + colour + "\">" + html_text(headline(a)) + "</div><div class=\"target\">" + html_text(a.url) + (a.software.empty() ? "" : " <small>" + html_text(a.software) + "</small>") + "</div><div class=\"numbers\">";
    out += number(number_words(f.per_second(f.offered())) + " /s", "offered") + number(number_words(f.per_second(well)) + " /s", "answered well") + number(percent_words(f.success_ratio()), "success");
    if (h.count() > 0) out += number(duration_words(h.quantile(0.5)), "p50") + number(duration_words(h.quantile(0.99)), "p99") + number(duration_words(h.max()), "longest");
    out += "</div><dl class=\"facts\">";
    auto const fact = [&](std::string const& what, std::string const& text) { out += "<div><dt>" + html_text(what) + "</dt><dd>" + html_text(text) + "</dd></div>"; };
    fact("When", a.date);
    fact("Who", count_words(a.peers, "peer", "peers") + " of " + count_words(a.users, "user", "users"));
    fact("What", in_words(a.mix));
    fact("How long", of_seconds(std::chrono::duration<double>{f.duration}.count()) + (f.cut_short ? ", cut short" : ""));
    fact("Arrivals", a.even ? "at even distances" : "at random (Poisson)");
    fact("Seed", std::to_string(a.seed));
    fact("Generator", cores_words(f.effort.own_cores) + (f.effort.machine_busy ? ", machine busy to " + percent_words(*f.effort.machine_busy) : "") + ", lag p99 " + duration_words(f.effort.lag.quantile(0.99)));
    fact("Data", count_words(a.data.conversations, "conversation", "conversations") + " read, " + count_words(a.data.messages, "acknowledged message", "acknowledged messages") + ", " + (a.data.disagreeing.empty() ? "every digest agrees" : count_words(a.data.disagreeing.size(), "digest differs", "digests differ")));
    out += "</dl>";
    if (!a.opening.empty()) out += "<p class=\"remark\">" + html_text(a.opening) + "</p>";
    if (auto const limit = limits_of_generator(f, a.same_machine); !limit.empty()) out += "<p class=\"remark\">" + html_text(limit) + "</p>";
    out += "</div></header><main>" + flaws_of(a) + "<div class=\"plots\">" + latency_plot(f) + throughput_plot(f) + latency_over_time(f) + waiting_plot(f) + failures_over_time(f) + "</div>";

    out += "<h2>Latency by operation <small>from when a request was due to its answer</small></h2><div class=\"scroll\"><table class=\"figures\"><thead><tr><th></th><th>offered</th><th>well</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr></thead><tbody>";
    for (auto const o : all_operations) {
        auto const& of = f.of[static_cast<std::size_t>(o)];
        if (of.offered > 0) out += row(std::string{to_string(o)}, of.offered, of.ended[static_cast<std::size_t>(ending::ok)], of.since_due);
    }
    out += row("all", f.offered(), well, h, "sum") + "</tbody></table></div>";

    if (well < f.offered()) {
        out += "<h2>What did not go well</h2><div class=\"scroll\"><table class=\"figures\"><thead><tr><th></th><th>requests</th><th class=\"words\">first of them</th></tr></thead><tbody>";
        for (auto const e : all_endings) {
            auto const n = all[static_cast<std::size_t>(e)];
            if (e == ending::ok || n == 0) continue;
            auto const first = f.examples.find(e);
            out += "<tr>" + cell(std::string{in_words(e)}) + cell(number_words(static_cast<double>(n))) + "<td class=\"words\">" + html_text(first == f.examples.end() ? "" : first->second) + "</td></tr>";
        }
        out += "</tbody></table></div>";
    }
    out += "<h2>What to do</h2><ul class=\"advice\">";
    for (auto const& hint : advice(a)) out += "<li>" + html_text(hint) + "</li>";
    return out + "</ul><h2>Again</h2><div class=\"command\"><pre>" + html_text(a.command) +
           "</pre></div><footer>Requests were due by a schedule that was made beforehand, whatever became of those before; a latency counts from when its request was due. Those that failed have no latency.</footer></main>";
}

}  // namespace

std::string as_html(account const& a) {
    std::string out{embedded::html_page};
    auto const put = [&out](std::string_view mark, std::string const& text) {
        if (auto const where = out.find(mark); where != std::string::npos) out.replace(where, mark.size(), text);
    };
    put("{{title}}", "BSP under load: " + html_text(a.url));
    put("{{style}}", std::string{embedded::html_style} + std::string{embedded::load_style});
    put("{{script}}", "");
    put("{{body}}", body_of(a));  // last: what it contains is not looked into
    return out;
}

}  // namespace load
}  // namespace bsp::conformance
