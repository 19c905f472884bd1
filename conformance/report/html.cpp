#include "../clauses.hpp"
#include "reading.hpp"
#include "spec_markdown.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

// The specification itself, every clause coloured by its verdict and open to its evidence, in one file that
// needs nothing else. The markup is complete without scripts.

namespace bsp::conformance {

namespace embedded {
extern std::string_view const html_page, html_style, html_script;
}

namespace {

std::string id_of(std::string_view prefix, std::string_view name) {
    std::string out{prefix};
    for (char c : name) out += c == '/' ? '-' : c;
    return out;
}

std::string colour_of_check(json::value const& v) { return std::string{to_string(standing_of(v))}; }

std::string pill(std::string const& colour, std::string_view text) { return "<span class=\"pill " + colour + "\">" + html_text(text) + "</span>"; }

std::string word_for(std::string_view colour) {
    for (auto const s : all_standings)
        if (to_string(s) == colour) return std::string{word_of(s)};
    return {};
}

using tally = std::map<std::string, int>;

std::string bar(tally const& t, std::string_view classes) {
    std::string out = "<div class=\"" + std::string{classes} + "\">";
    for (char const* colour : {"pass", "warn", "fail", "open", "none"})
        if (auto const found = t.find(colour); found != t.end() && found->second > 0)
            out += "<i class=\"" + std::string{colour} + "\" style=\"flex:" + std::to_string(found->second) + "\" title=\"" + word_for(colour) + ": " + std::to_string(found->second) + "\"></i>";
    return out + "</div>";
}

std::string command(std::string const& text) { return text.empty() ? "" : "<div class=\"command\"><pre>" + html_text(text) + "</pre></div>"; }

std::string wire_text(json::value const& message, std::string const& first_line) {
    std::string out = first_line + "\n";
    if (auto const* headers = at(message, "/headers"); headers && headers->is_object())
        for (auto const& h : headers->get_object()) out += std::string{json::view(h.key())} + ": " + (h.value().is_string() ? std::string{json::view(h.value().get_string())} : "") + "\n";
    auto const body = text_at(message, "/body"), hex = text_at(message, "/body_hex");
    auto const size = integer_at(message, "/body_bytes", 0);
    if (!body.empty()) out += "\n" + body;
    else if (!hex.empty()) out += "\n(bytes, in hexadecimal) " + hex;
    if (size > 4096) out += "\n… " + std::to_string(size) + " bytes in all";
    return out;
}

std::string story(json::value const& v) {
    auto const steps = objects_at(v, "/steps");
    if (steps.empty()) return {};
    auto const decisive = std::max(integer_at(v, "/failure/step", 0), integer_at(v, "/inexact/0/step", 0));
    std::string out = "<table class=\"story\"><tbody>";
    std::int64_t before = 0;
    for (auto const& one : steps) {
        json::value const s = one;
        auto const number = integer_at(s, "/step", 0);
        if (number > before + 1) out += "<tr><td colspan=\"4\">… " + std::to_string(number - before - 1) + " steps left out …</td></tr>";
        before = number;
        auto const result = text_at(s, "/result"), remark = text_at(s, "/remark");
        auto const status = integer_at(s, "/response/status", 0);
        out += std::string{"<tr"} + (number == decisive ? " class=\"decisive\"" : "") + "><td>" + std::to_string(number) + "</td><td class=\"who\">" + html_text(text_at(s, "/who")) + "</td><td><details class=\"wire\"><summary>" +
               html_text(text_at(s, "/summary")) + (remark.empty() ? "" : " <mark>" + html_text(remark) + "</mark>") + "</summary>";
        auto const method = text_at(s, "/request/method");
        std::string shown = "<h4>Request</h4><pre>" + html_text(wire_text(*at(s, "/request"), method.empty() ? "(bytes on the connection)" : method + ' ' + text_at(s, "/request/target") + " HTTP/1.1")) + "</pre>";
        if (auto const* response = at(s, "/response"))
            shown += "<h4>Answer, " + std::to_string(integer_at(s, "/took_us", 0) / 1000) + " ms</h4><pre>" + html_text(wire_text(*response, "HTTP/1.1 " + std::to_string(status))) + "</pre>";
        if (auto const curl = text_at(s, "/curl"); !curl.empty()) shown += "<h4>Send it again</h4>" + command(curl);
        out += shown + "</details></td><td class=\"result r" + std::to_string(status / 100) + "\">" + html_text(result) + "</td></tr>";
    }
    return out + "</tbody></table>";
}

/// The page of one run, which outlives it.
class page {
public:
    explicit page(recorded_run const& run) : started_{run.started}, end_{run.finished}, checks_{run.checks} {
        for (auto const& c : checks_) by_id_[text_at(c, "/check")] = &c;
        for (auto const& cause : shared_causes(checks_, base_path_of(started_))) {
            for (auto const& other : cause.others) explained_by_[other] = cause.check;
            causes_[cause.check] = cause;
        }
        for (auto const& one : objects_at(end_, "/clauses")) clauses_[text_at(json::value(one), "/id")] = json::value(one);
    }

    [[nodiscard]] std::string text() const {
        std::string const body = header() + navigation() + "<main>" + trouble() + battery() + specification_with_verdicts() + table_of_checks() + footer() + "</main>";
        std::string out{embedded::html_page};
        auto const put = [&out](std::string_view mark, std::string_view text) {
            if (auto const where = out.find(mark); where != std::string::npos) out.replace(where, mark.size(), text);
        };
        put("{{title}}", "BSP conformance: " + html_text(text_at(started_, "/target/url")));
        put("{{style}}", embedded::html_style);
        put("{{script}}", embedded::html_script);
        put("{{body}}", body);  // last: what it contains is not looked into
        return out;
    }

private:
    // A clause is as its worst check; warnings count between pass and fail.
    std::string colour_of_clause(std::string const& id) const {
        auto const rank = [](std::string const& c) { return c == "none" ? 0 : c == "pass" ? 1 : c == "warn" ? 2 : c == "open" ? 3 : 4; };
        std::string worst = "none";
        auto const clause = clauses_.find(id);
        if (clause == clauses_.end()) return worst;
        for (auto const& check : strings_at(clause->second, "/checks"))
            if (auto const found = by_id_.find(check); found != by_id_.end())
                if (auto const c = colour_of_check(*found->second); rank(c) > rank(worst)) worst = c;
        return worst;
    }

    std::string header() const {
        auto const result = outcome_of(started_, end_);
        tally t;
        for (auto const& c : checks_) ++t[colour_of_check(c)];
        std::string out = "<header><div class=\"inner\"><h1>BSP conformance report</h1><div class=\"headline " + std::string{to_string(result.colour)} + "\">" + result.text + "</div><div class=\"target mono\">" +
                          html_text(text_at(started_, "/target/url")) + "</div><div class=\"levels\">";
        for (char const* level : {"compatible", "strict"}) {
            auto const reached = text_at(end_, std::string{"/"} + level);
            out += "<span class=\"level\">" + std::string(level[0] == 'c' ? "Compatible" : "Strict") + " " + pill(reached == "yes" ? "pass" : reached == "no" ? "fail" : "open", reached) + "</span>";
        }
        if (!result.partial.empty()) out += "<span class=\"level\">Partial " + pill("none", result.partial) + "</span>";
        out += "</div>" + bar(t, "bar") + "<div class=\"legend\">";
        for (auto const& [name, word] : {std::pair{"pass", "passed"}, {"warn", "warnings"}, {"fail", "failed"}, {"open", "inconclusive"}, {"none", "not run"}})
            out += "<span><i class=\"" + std::string{name} + "\"></i><b>" + std::to_string(t[name]) + "</b> " + word + "</span>";
        out += "</div><dl class=\"facts\">";
        auto const fact = [&out](char const* name, std::string const& value) {
            if (!value.empty()) out += "<div><dt>" + std::string{name} + "</dt><dd>" + html_text(value) + "</dd></div>";
        };
        fact("Backend", text_at(started_, "/target/backend_id"));
        fact("Type", text_at(started_, "/target/backend_type"));
        fact("Speaks", "BSP " + text_at(started_, "/target/version"));
        fact("Software", text_at(started_, "/target/software"));
        fact("Fingerprint", text_at(started_, "/target/fingerprint"));
        fact("Suite", text_at(started_, "/suite_version"));
        fact("Specification", text_at(started_, "/spec"));
        fact("Clause set", text_at(started_, "/clause_set_hash").substr(0, 16));
        fact("Seed", at(started_, "/seed") ? show(*at(started_, "/seed")) : "");
        fact("Level", text_at(started_, "/level"));
        fact("Time", text_at(started_, "/time"));
        fact("Took", std::to_string(integer_at(end_, "/took_ms", 0)) + " ms");
        out += "</dl>";
        if (auto const remark = text_at(started_, "/remark"); !remark.empty()) out += "<div class=\"remark\">" + html_text(remark) + "</div>";
        return out + "</div></header>";
    }

    static std::string navigation() {
        std::string out = "<nav><div class=\"inner\">";
        for (auto const& [show, word] : {std::pair{"all", "All"}, {"fail", "Failed"}, {"warn", "Warnings"}, {"open", "Inconclusive"}, {"none", "Not run"}, {"pass", "Passed"}})
            out += std::string{"<button data-show=\""} + show + "\" aria-pressed=\"" + (std::string_view{show} == "all" ? "true" : "false") + "\">" + word + "</button>";
        return out + "<input type=\"search\" placeholder=\"Find a clause, a check, a word\" aria-label=\"Find\"></div></nav>";
    }

    /// Every check that is neither passed nor merely not run, with all its evidence.
    std::string trouble() const {
        std::string out;
        int n = 0;
        for (char const* wanted : {"fail", "warn", "open"})
            for (bool const explains : {true, false})  // what explains others comes first
                for (auto const& c : checks_)
                    if (colour_of_check(c) == wanted && causes_.contains(text_at(c, "/check")) == explains) out += card(c), ++n;
        if (n == 0) return {};
        return "<section data-group><h2>What needs attention <small>" + std::to_string(n) + (n == 1 ? " check" : " checks") + "</small></h2>" + out + "</section>";
    }

    /// What was tried that is nearly right, by what was wrong with it.
    std::string battery() const {
        auto const all = batteries_of(checks_);
        if (all.empty()) return {};
        std::string out = "<section data-group><h2 id=\"battery\">Battery <small>" + html_text(in_words(all)) + "</small></h2>";
        for (auto const& one : all) {
            std::string const colour = one.let_in > 0 ? "fail" : "pass";
            out += "<details class=\"clause " + colour + "\" data-verdict=\"" + colour + "\"><summary><span class=\"sentence\">" + html_text(one.of) + ": " + std::to_string(one.tried) + " tried in " +
                   std::to_string(one.rows.size()) + " ways, " + std::to_string(one.let_in) + " let in</span>" + pill(colour, word_for(colour)) +
                   "</summary><div class=\"proof\"><table class=\"checks\"><thead><tr><th>wrong with it</th><th>forbidden by</th><th>tried</th><th>let in</th></tr></thead><tbody>";
            for (json::value const row : one.rows) {
                auto const clause = html_text(text_at(row, "/clause"));
                auto const n = integer_at(row, "/let_in", 0);
                out += "<tr><td>" + html_text(text_at(row, "/what")) + "</td><td class=\"mono\"><a href=\"#" + clause + "\">" + clause + "</a></td><td>" + std::to_string(integer_at(row, "/tried", 0)) + "</td><td>" +
                       (n > 0 ? pill("fail", std::to_string(n)) : "0") + "</td></tr>";
            }
            out += "</tbody></table></div></details>";
        }
        return out + "</section>";
    }

    std::string card(json::value const& v) const {
        auto const colour = colour_of_check(v), check = text_at(v, "/check");
        auto const clauses = strings_at(v, "/clauses");
        std::string out = "<article class=\"card " + colour + "\" id=\"" + id_of("check-", check) + "\" data-verdict=\"" + colour + "\"><div>" +
                          pill(colour, colour == "open" ? text_at(v, "/verdict") : word_for(colour)) + " <span class=\"where\">" + html_text(text_at(v, "/strength")) +
                          (at(v, "/failure") ? "" : at(v, "/inexact") ? " · exactness" : "") + " · " + html_text(check) + " · ";
        for (auto const& c : clauses) out += "<a href=\"#" + html_text(c) + "\">" + html_text(c) + "</a> ";
        out += "</span></div><h3>" + html_text(text_at(v, "/title")) + "</h3>";
        if (!clauses.empty())
            if (auto const found = clauses_.find(clauses.front()); found != clauses_.end()) out += "<blockquote>" + inline_html(text_at(found->second, "/sentence"), link_) + "</blockquote>";
        out += "<dl class=\"verdicts\">";
        auto const finding = [&out](json::value const& f) {
            out += "<dt>expected</dt><dd>" + html_text(text_at(f, "/expected")) + "</dd><dt>actual</dt><dd class=\"actual\">" + html_text(text_at(f, "/actual")) + "</dd>";
        };
        if (auto const* f = at(v, "/failure")) finding(*f);
        for (auto const& f : objects_at(v, "/inexact")) finding(json::value(f));
        if (auto const reason = text_at(v, "/reason"); !reason.empty()) out += "<dt>reason</dt><dd>" + html_text(reason) + "</dd>";
        if (auto const others = other_looks_of(v); !others.empty()) out += "<dt>other looks</dt><dd>" + html_text(others) + "</dd>";
        if (auto const why = text_at(v, "/baseline_problem"); !why.empty()) out += "<dt>baseline</dt><dd class=\"actual\">" + html_text(why) + "</dd>";
        if (auto const why = text_at(v, "/expected_failure"); !why.empty()) out += "<dt>tolerated</dt><dd>" + html_text(why) + "</dd>";
        out += "</dl>";
        auto const total = integer_at(v, "/steps_total", 0);
        out += "<div class=\"where\">" + std::to_string(total) + (total == 1 ? " step" : " steps");
        if (at(v, "/shrunk"))
            out += " (shrunk from " + std::to_string(integer_at(v, "/shrunk/steps_before", 0)) + (integer_at(v, "/shrunk/reproduced", 0) < integer_at(v, "/shrunk/repeated", 0) ? ") · flaky " : ") · reproduced ") + std::to_string(integer_at(v, "/shrunk/reproduced", 0)) + "/" + std::to_string(integer_at(v, "/shrunk/repeated", 0));
        if (auto const controls = strings_at(v, "/controls"); !controls.empty()) {
            out += " · controls that held: ";
            std::set<std::string> const once{controls.begin(), controls.end()};
            for (auto const& c : once) out += (c == *once.begin() ? "" : "; ") + html_text(c);
        }
        out += "</div>" + kinship(check) + story(v) + "<div class=\"hint\"><b>impact</b><span>" + html_text(text_at(v, "/impact")) + "</span><b>likely cause</b><span>" + html_text(text_at(v, "/likely_cause")) + "</span></div>";
        return out + command(text_at(v, "/replay")) + "</article>";
    }

    /// Which other failures probably have the same cause.
    std::string kinship(std::string const& check) const {
        auto const link = [](std::string const& id) { return "<a href=\"#" + id_of("check-", id) + "\">" + html_text(id) + "</a>"; };
        std::string out;
        if (auto const found = causes_.find(check); found != causes_.end()) {
            auto const& others = found->second.others;
            out += "<div class=\"kin\"><details><summary>also explains " + std::to_string(others.size()) + (others.size() == 1 ? " other" : " others") + "</summary>" + html_text(found->second.reason) + "<br>";
            for (auto const& id : others) out += link(id) + " ";
            out += "</details></div>";
        }
        if (auto const found = explained_by_.find(check); found != explained_by_.end()) out += "<div class=\"kin\">probably explained by " + link(found->second) + "</div>";
        return out;
    }

    /// The whole text, each clause in its place.
    std::string specification_with_verdicts() const {
        std::string contents, chapters;
        std::set<std::string, std::less<>> placed;
        for (auto const& [file, markdown] : specification_text()) {
            std::string title, text;
            tally t;
            for (auto const& block : blocks_of(markdown, link_)) {
                if (!block.clause.empty()) text += clause_row(block.clause, block.html), ++t[colour_of_clause(block.clause)], placed.insert(block.clause);
                else if (block.heading == 1) title = block.html;
                else if (block.heading > 1) text += "<h" + std::to_string(block.heading + 2) + ">" + block.html + "</h" + std::to_string(block.heading + 2) + ">";
                else text += block.html.starts_with("<table") ? "<div class=\"table\">" + block.html + "</div>" : block.html;
            }
            add_chapter(stem_of(file), title, t, text, contents, chapters);
        }
        std::string text;
        tally t;
        for (auto const& [id, c] : clauses_)
            if (!placed.contains(id)) text += clause_row(id, inline_html(text_at(c, "/sentence"), link_)), ++t[colour_of_clause(id)];
        if (!text.empty()) add_chapter("further-clauses", "Clauses that this text does not have", t, text, contents, chapters);

        std::string notice;
        if (auto const judged = text_at(started_, "/clause_set_hash"); judged != specification().hash)
            notice = "<div class=\"remark\">The text around the clauses is of another clause set (" + html_text(specification().hash.substr(0, 12)) + ") than the one that this run judged (" +
                     html_text(judged.substr(0, 12)) + "). Where a clause differs, it reads as it was judged.</div>";
        return "<h2 id=\"specification\">The specification</h2>" + notice + "<ul class=\"contents\">" + contents + "</ul>" + chapters;
    }

    static void add_chapter(std::string const& id, std::string const& title, tally t, std::string const& text, std::string& contents, std::string& chapters) {
        int all = 0;
        for (auto const& [colour, n] : t) all += n;
        auto const sum = all == 0 ? "" : bar(t, "bar small") + "<span>" + std::to_string(t["pass"]) + " shown, " + std::to_string(all - t["none"]) + " judged, " + std::to_string(all) + " clauses</span>";
        contents += "<li><a href=\"#" + id + "\">" + title + "</a>" + sum + "</li>";
        chapters += "<section class=\"chapter\" id=\"" + id + "\" data-group><h3>" + title + sum + "</h3><div class=\"text\">" + text + "</div></section>";
    }

    /// A clause as the text has it, coloured, and open to what shows it. `text` is HTML: all that follows the id.
    std::string clause_row(std::string const& id, std::string const& text) const {
        auto const colour = colour_of_clause(id);
        auto const found = clauses_.find(id);
        auto const* known = find_clause(id);
        std::string words = text, proof;
        if (found == clauses_.end()) {
            proof = "<p>The run knows no such clause.</p>";
        } else {
            proof = proof_of(found->second);
            if (auto const judged = text_at(found->second, "/sentence"); known && judged != known->sentence) words = inline_html(judged, link_), proof += "<p>Now: " + inline_html(known->sentence, link_) + "</p>";
        }
        return "<details class=\"clause " + colour + "\" id=\"" + html_text(id) + "\" data-verdict=\"" + colour + "\"><summary><span class=\"id mono\">" + html_text(id) + "</span><span class=\"sentence\">" + words + "</span>" +
               pill(colour, word_for(colour)) + "</summary><div class=\"proof\">" + proof + "</div></details>";
    }

    std::string proof_of(json::value const& clause) const {
        std::string out;
        for (auto const& check : strings_at(clause, "/checks")) {
            auto const found = by_id_.find(check);
            if (found == by_id_.end()) continue;
            auto const& v = *found->second;
            auto const k = colour_of_check(v);
            bool const has_card = k == "fail" || k == "warn" || k == "open";
            out += "<p>" + pill(k, text_at(v, "/verdict")) + " " + (has_card ? "<a href=\"#" + id_of("check-", check) + "\">" + html_text(check) + "</a>" : "<span class=\"mono\">" + html_text(check) + "</span>") + " " +
                   html_text(text_at(v, "/title"));
            if (auto const reason = text_at(v, "/reason"); !reason.empty() && k == "none") out += " (" + html_text(reason) + ")";
            if (k == "pass") out += " <br>" + std::to_string(integer_at(v, "/steps_total", 0)) + " requests, " + std::to_string(strings_at(v, "/controls").size()) + " positive controls";
            for (auto const& note : strings_at(v, "/notes")) out += " <br>" + html_text(note);
            if (auto const others = other_looks_of(v); !others.empty() && !has_card) out += " <br>judged more than once; other looks: " + html_text(others);
            out += "</p>";
        }
        if (auto const why = text_at(clause, "/untested"); !why.empty()) out += "<p>Not tested: " + inline_html(why, link_) + "</p>";
        else if (out.empty()) out = "<p>No check of this run judges it.</p>";
        return out;
    }

    /// Where a link of the text leads on this page: to a chapter or a clause; the page has nothing else of the folder.
    static std::string place_of(std::string_view link) {
        if (auto const hash = link.find('#'); hash != std::string_view::npos) {
            std::string id;
            for (char c : link.substr(hash + 1)) id += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            return find_clause(id) ? "#" + id : "";
        }
        for (auto const& [file, text] : specification_text())
            if (file.ends_with("/" + std::string{link})) return "#" + stem_of(file);
        return "";
    }

    /// "spec/06-sync.md" is "06-sync".
    static std::string stem_of(std::string_view file) {
        file.remove_prefix(file.rfind('/') + 1);
        return std::string{file.substr(0, file.rfind('.'))};
    }

    std::string table_of_checks() const {
        std::string out = "<section data-group><h2>Checks <small>" + std::to_string(checks_.size()) + "</small></h2><table class=\"checks\"><thead><tr><th></th><th>check</th><th>shows that</th><th>time</th></tr></thead><tbody>";
        for (auto const& v : checks_) {
            auto const k = colour_of_check(v);
            out += "<tr data-verdict=\"" + k + "\"><td>" + pill(k, text_at(v, "/verdict")) + "</td><td class=\"mono\">" + html_text(text_at(v, "/check")) + "</td><td>" + html_text(text_at(v, "/title")) + "</td><td class=\"time\">" +
                   std::to_string(integer_at(v, "/took_us", 0) / 1000) + " ms</td></tr>";
        }
        return out + "</tbody></table></section>";
    }

    std::string footer() const {
        return "<footer>Made by bsp-conformance " + html_text(text_at(started_, "/suite_version")) + ". PASS means shown by positive evidence in this run; UNTESTED is not a pass. "
               "Pairing secrets and the admin token are left out of this file; signatures of the suite's own throw-away backends are shortened, except in commands.</footer>";
    }

    json::value const& started_;
    json::value const& end_;
    std::vector<json::value> const& checks_;
    std::map<std::string, json::value const*> by_id_;
    std::map<std::string, json::value> clauses_;         // by id, as the run judged them
    link_target const link_ = place_of;
    std::map<std::string, shared_cause> causes_;         // by the check to look at first
    std::map<std::string, std::string> explained_by_;
};

class html final : public closing_report {
public:
    explicit html(std::ostream& out) : out_{out} {}

private:
    void write(recorded_run const& run) override { out_ << page{run}.text() << std::flush; }
    std::ostream& out_;
};

}  // namespace

std::unique_ptr<report> html_report(std::ostream& out) { return std::make_unique<html>(out); }

}  // namespace bsp::conformance
