#include "report.hpp"

#include "../runner.hpp"
#include "../text.hpp"
#include "words.hpp"

namespace bsp::conformance::load {
namespace {

std::string right(std::string const& text, std::size_t width) { return std::string(width > width_of(text) ? width - width_of(text) : 1, ' ') + text; }
std::string left(std::string const& text, std::size_t width) { return text + std::string(width > width_of(text) ? width - width_of(text) : 1, ' '); }

/// What the target sent may hold escape sequences; a terminal must not obey them.
std::string printable(std::string text) {
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    return text;
}

std::string row(std::string const& name, std::uint64_t offered, std::uint64_t well, histogram const& h) {
    std::string out = left(name, 14) + right(number_words(static_cast<double>(offered)), 9) + right(number_words(static_cast<double>(well)), 10);
    for (double const q : {0.5, 0.9, 0.99, 0.999}) out += right(h.count() == 0 ? "-" : duration_words(h.quantile(q)), 10);
    return out + right(h.count() == 0 ? "-" : duration_words(h.max()), 10) + "\n";
}

}  // namespace

std::string headline(account const& a) {
    auto const failed = failures_of(a.figures.all_ended());
    auto const& d = a.data;
    if (d.flaws_in_all > 0) return count_words(d.disagreeing.size(), "conversation is", "conversations are") + " not as acknowledged";
    if (!d.judged) return "Cannot be told: " + d.why_not;
    std::string out = d.messages == 0 ? "Nothing was acknowledged" : "Everything acknowledged is there";
    if (failed > 0) out += "; " + count_words(failed, "request", "requests") + " failed";
    return out;
}

std::vector<std::string> advice(account const& a) {
    std::vector<std::string> out;
    auto const& f = a.figures;
    auto const all = f.all_ended();
    auto const count = [&](ending e) { return all[static_cast<std::size_t>(e)]; };
    if (a.data.flaws_in_all > 0)
        out.push_back("Send a `curl` line of the flaws within five minutes: it shows the conversation as it is now. Acknowledge only what is committed (BSP-SYN-052, BSP-GEN-111), and know a repetition by its sync_id (BSP-SYN-071).");
    if (a.exit_code == exit_code::unreachable) out.push_back("Look into the target's log: it went away during the run.");
    if (auto const limit = limits_of_generator(f, a.same_machine); !limit.empty()) out.push_back(limit);
    if (count(ending::limited) > 0)
        out.push_back(count_words(count(ending::limited), "request was", "requests were") + " answered with 429. That is no error: a backend may limit each peer to 100 pushes a minute (BSP-LIM-001), and to 1,000 events. Spread the rate over more --peers, "
                      "lower --rate, or raise the target's limits (bsp-server: --events-per-minute; its limit of pushes is fixed).");
    if (count(ending::busy) > 0) out.push_back(count_words(count(ending::busy), "request was", "requests were") + " answered with 503 and Retry-After: the target asked its peers to come again, which they would. Its store or its queue is the place to look.");
    if (a.exit_code == exit_code::inconclusive && a.data.judged) out.push_back("Fewer than 99 of 100 requests went well, so these are the figures of a backend in trouble: see what failed first.");
    if (count(ending::timeout) > 0) out.push_back("Requests without an answer have no latency, so the percentiles are better than what peers saw. Look at the target's log and its store, or find with a lower --rate what it can bear.");
    if (count(ending::refused) + count(ending::closed) > 0) out.push_back("Connections were refused or closed: is its limit of connections (bsp-server: --connections-max) or of open files below two for each of " + std::to_string(a.peers) + " peers, or was it restarted?");
    if (count(ending::unexpected) > 0) out.push_back("Requests that were in order were turned away: `bsp-conformance URL` tells which clause that is about.");
    if (f.conflicts > 0) out.push_back(count_words(f.conflicts, "push was", "pushes were") + " acknowledged with items in `conflicts`: does the user's consent, pause or retention keep them out?");
    if (a.users * 10 < a.peers) out.push_back("Each user has " + number_words(static_cast<double>(a.peers) / static_cast<double>(a.users)) + " backends here, so a pull shows what all of them wrote. People have two or three: a users file with more users is closer to life.");
    if (out.empty() && a.exit_code == exit_code::conformant) out.push_back("It bore this with ease or without; raise --rate until the 99th percentile leaves the ground.");
    return out;
}

std::string as_text(account const& a) {
    auto const& f = a.figures;
    auto const all = f.all_ended();
    std::string out = "\n" + left("", 14) + right("offered", 9) + right("well", 10) + right("p50", 10) + right("p90", 10) + right("p99", 10) + right("p99.9", 10) + right("max", 10) + "\n";
    for (auto const o : all_operations) {
        auto const& of = f.of[static_cast<std::size_t>(o)];
        if (of.offered > 0) out += row(std::string{to_string(o)}, of.offered, of.ended[static_cast<std::size_t>(ending::ok)], of.since_due);
    }
    auto const well = all[static_cast<std::size_t>(ending::ok)];
    out += row("all", f.offered(), well, f.all_since_due());
    out += left("a second", 14) + right(number_words(f.per_second(f.offered())), 9) + right(number_words(f.per_second(well)), 10) + "    success " + percent_words(f.success_ratio()) + (f.cut_short ? ", cut short after " + duration_words(static_cast<std::uint64_t>(f.duration.count() / 1000)) : "") + "\n\n";

    for (auto const e : all_endings) {
        auto const n = all[static_cast<std::size_t>(e)];
        if (e == ending::ok || n == 0) continue;
        out += left(is_failure(e) ? "FAILED" : "put off", 10) + number_words(static_cast<double>(n)) + " " + std::string{in_words(e)};
        if (auto const first = f.examples.find(e); first != f.examples.end()) out += "\n          first: " + printable(first->second);
        out += "\n";
    }
    out += left("generator", 10) + cores_words(f.effort.own_cores) + (f.effort.machine_busy ? ", machine busy to " + percent_words(*f.effort.machine_busy) : "") +
           "; 99 % of requests taken up within " + duration_words(f.effort.lag.quantile(0.99)) + " of when they were due\n";
    if (a.data.conversations > 0)
        out += left("data", 10) + count_words(a.data.conversations, "conversation", "conversations") + " read, " + count_words(a.data.messages, "acknowledged message", "acknowledged messages") + "; " +
               (a.data.disagreeing.empty() ? "every digest agrees" : count_words(a.data.disagreeing.size(), "digest differs", "digests differ")) + (a.data.followers > 0 ? "; " + count_words(a.data.followers, "peer", "peers") + " followed the feed" : std::string{}) + "; " + count_words(a.data.repeated, "push", "pushes") + " repeated" +
               (a.data.settled > 0 ? ", " + count_words(a.data.settled, "of which had no answer before", "of which had no answer before") : "") + "\n";
    // One of each conversation; the files have them all.
    constexpr std::size_t shown_max = 5;
    std::size_t shown = 0, told = 0;
    for (std::size_t i = 0; i < a.data.flaws.size() && shown < shown_max; ++shown) {
        auto const& r = a.data.flaws[i];
        auto next = i + 1;
        while (next < a.data.flaws.size() && a.data.flaws[next].flaw.conversation == r.flaw.conversation) ++next;
        out += "\n" + left(shown == 0 ? "FLAWS" : "", 10) + std::string{to_string(r.flaw.what)} + ": " + (r.flaw.message.empty() ? "conversation " : "message " + printable(r.flaw.message) + " of conversation ") + r.flaw.conversation + " of " + printable(r.user) + "\n          it " +
               printable(r.flaw.words) + (next > i + 1 ? "; and " + std::to_string(next - i - 1) + " more of this conversation" : "") + "\n          digest " + r.expected.substr(0, 16) + "… expected, " + r.actual.substr(0, 16) + "… found\n          " + r.curl + "\n";
        told += next - i;
        i = next;
    }
    if (a.data.flaws_in_all > told) out += "          … and " + std::to_string(a.data.flaws_in_all - told) + " more\n";
    bool const good = a.exit_code == exit_code::conformant;
    out += std::string{"\n"} + (good ? "GOOD      " : a.exit_code == exit_code::failed ? "FAIL      " : "OPEN      ") + printable(headline(a)) + "\n";
    for (auto const& hint : advice(a)) out += "          → " + hint + "\n";
    return out;
}

}  // namespace bsp::conformance::load
