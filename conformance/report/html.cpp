#include "events.hpp"
#include "reading.hpp"

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

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
        }
    }
    return out;
}

/// The little Markdown that clauses use: `code`, [text](link) and *emphasis*.
std::string inline_markdown(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text[0] == '`') {
            if (auto const end = text.find('`', 1); end != std::string_view::npos) {
                out += "<code>" + escaped(text.substr(1, end - 1)) + "</code>";
                text.remove_prefix(end + 1);
                continue;
            }
        }
        if (text[0] == '[') {
            auto const middle = text.find("]("), end = middle == std::string_view::npos ? middle : text.find(')', middle);
            if (end != std::string_view::npos) {
                out += escaped(text.substr(1, middle - 1));
                text.remove_prefix(end + 1);
                continue;
            }
        }
        auto const next = std::min(text.find_first_of("`[", 1), text.size());
        out += escaped(text.substr(0, next));
        text.remove_prefix(next);
    }
    return out;
}

std::string id_of(std::string_view prefix, std::string_view name) {
    std::string out{prefix};
    for (char c : name) out += c == '/' ? '-' : c;
    return out;
}

std::string colour_of_check(json::value const& v) { return std::string{to_string(standing_of(v))}; }

std::string pill(std::string const& colour, std::string_view text) { return "<span class=\"pill " + colour + "\">" + escaped(text) + "</span>"; }

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

std::string command(std::string const& text) { return text.empty() ? "" : "<div class=\"command\"><pre>" + escaped(text) + "</pre></div>"; }

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
        out += std::string{"<tr"} + (number == decisive ? " class=\"decisive\"" : "") + "><td>" + std::to_string(number) + "</td><td class=\"who\">" + escaped(text_at(s, "/who")) + "</td><td>" +
               escaped(text_at(s, "/summary")) + (remark.empty() ? "" : " <mark>" + escaped(remark) + "</mark>");
        auto const method = text_at(s, "/request/method");
        std::string shown = "<h4>Request</h4><pre>" + escaped(wire_text(*at(s, "/request"), method.empty() ? "(bytes on the connection)" : method + ' ' + text_at(s, "/request/target") + " HTTP/1.1")) + "</pre>";
        if (auto const* response = at(s, "/response"))
            shown += "<h4>Answer, " + std::to_string(integer_at(s, "/took_us", 0) / 1000) + " ms</h4><pre>" + escaped(wire_text(*response, "HTTP/1.1 " + std::to_string(status))) + "</pre>";
        if (auto const curl = text_at(s, "/curl"); !curl.empty()) shown += "<h4>Send it again</h4>" + command(curl);
        out += "<details class=\"wire\"><summary>request and answer</summary>" + shown + "</details></td><td class=\"result r" + std::to_string(status / 100) + "\">" + escaped(result) + "</td></tr>";
    }
    return out + "</tbody></table>";
}

class html final : public report {
public:
    explicit html(std::ostream& out) : out_{out} {}

    void take(json::object const& event) override {
        json::value const v = event;
        auto const kind = text_at(v, "/event");
        if (kind == "run-started") started_ = v;
        else if (kind == "check") checks_.push_back(v);
        else if (kind == "run-finished") {
            std::stable_sort(checks_.begin(), checks_.end(), [](json::value const& a, json::value const& b) { return text_at(a, "/check") < text_at(b, "/check"); });
            for (auto const& c : checks_) by_id_[text_at(c, "/check")] = &c;
            for (auto const& cause : shared_causes(checks_, base_path_of(started_))) {
                for (auto const& other : cause.others) explained_by_[other] = cause.check;
                causes_[cause.check] = cause;
            }
            for (auto const& one : objects_at(v, "/clauses")) sentences_[text_at(json::value(one), "/id")] = one;
            write(v);
        }
    }

private:
    // A clause is as its worst check; warnings count between pass and fail.
    std::string colour_of_clause(json::value const& clause) const {
        auto const rank = [](std::string const& c) { return c == "none" ? 0 : c == "pass" ? 1 : c == "warn" ? 2 : c == "open" ? 3 : 4; };
        std::string worst = "none";
        for (auto const& id : strings_at(clause, "/checks"))
            if (auto const found = by_id_.find(id); found != by_id_.end())
                if (auto const c = colour_of_check(*found->second); rank(c) > rank(worst)) worst = c;
        return worst;
    }

    void write(json::value const& end) {
        std::string body = header(end) + navigation() + "<main>" + trouble() + chapters(end) + table_of_checks() + footer() + "</main>";
        std::string page{embedded::html_page};
        auto const put = [&page](std::string_view mark, std::string_view text) {
            if (auto const where = page.find(mark); where != std::string::npos) page.replace(where, mark.size(), text);
        };
        put("{{title}}", "BSP conformance: " + escaped(text_at(started_, "/target/url")));
        put("{{style}}", embedded::html_style);
        put("{{script}}", embedded::html_script);
        put("{{body}}", body);  // last: what it contains is not looked into
        out_ << page << std::flush;
    }

    std::string header(json::value const& end) const {
        auto const result = outcome_of(started_, end);
        tally t;
        for (auto const& c : checks_) ++t[colour_of_check(c)];
        std::string out = "<header><div class=\"inner\"><h1>BSP conformance report</h1><div class=\"headline " + std::string{to_string(result.colour)} + "\">" + result.text + "</div><div class=\"target mono\">" +
                          escaped(text_at(started_, "/target/url")) + "</div><div class=\"levels\">";
        for (char const* level : {"compatible", "strict"}) {
            auto const reached = text_at(end, std::string{"/"} + level);
            out += "<span class=\"level\">" + std::string(level[0] == 'c' ? "Compatible" : "Strict") + " " + pill(reached == "yes" ? "pass" : reached == "no" ? "fail" : "open", reached) + "</span>";
        }
        if (!result.partial.empty()) out += "<span class=\"level\">Partial " + pill("none", result.partial) + "</span>";
        out += "</div>" + bar(t, "bar") + "<div class=\"legend\">";
        for (auto const& [name, word] : {std::pair{"pass", "passed"}, {"warn", "warnings"}, {"fail", "failed"}, {"open", "inconclusive"}, {"none", "not run"}})
            out += "<span><i class=\"" + std::string{name} + "\"></i><b>" + std::to_string(t[name]) + "</b> " + word + "</span>";
        out += "</div><dl class=\"facts\">";
        auto const fact = [&out](char const* name, std::string const& value) {
            if (!value.empty()) out += "<div><dt>" + std::string{name} + "</dt><dd>" + escaped(value) + "</dd></div>";
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
        fact("Took", std::to_string(integer_at(end, "/took_ms", 0)) + " ms");
        out += "</dl>";
        if (auto const remark = text_at(started_, "/remark"); !remark.empty()) out += "<div class=\"remark\">" + escaped(remark) + "</div>";
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

    std::string card(json::value const& v) const {
        auto const colour = colour_of_check(v), check = text_at(v, "/check");
        auto const clauses = strings_at(v, "/clauses");
        std::string out = "<article class=\"card " + colour + "\" id=\"" + id_of("check-", check) + "\" data-verdict=\"" + colour + "\"><div>" +
                          pill(colour, colour == "open" ? text_at(v, "/verdict") : word_for(colour)) + " <span class=\"where\">" + escaped(text_at(v, "/strength")) +
                          (at(v, "/failure") ? "" : at(v, "/inexact") ? " · exactness" : "") + " · " + escaped(check) + " · ";
        for (auto const& c : clauses) out += "<a href=\"#" + c + "\">" + c + "</a> ";
        out += "</span></div><h3>" + escaped(text_at(v, "/title")) + "</h3>";
        if (!clauses.empty())
            if (auto const found = sentences_.find(clauses.front()); found != sentences_.end())
                out += "<blockquote>" + inline_markdown(text_at(json::value(found->second), "/sentence")) + "</blockquote>";
        out += "<dl class=\"verdicts\">";
        auto const finding = [&out](json::value const& f) {
            out += "<dt>expected</dt><dd>" + escaped(text_at(f, "/expected")) + "</dd><dt>actual</dt><dd class=\"actual\">" + escaped(text_at(f, "/actual")) + "</dd>";
        };
        if (auto const* f = at(v, "/failure")) finding(*f);
        for (auto const& f : objects_at(v, "/inexact")) finding(json::value(f));
        if (auto const reason = text_at(v, "/reason"); !reason.empty()) out += "<dt>reason</dt><dd>" + escaped(reason) + "</dd>";
        if (auto const why = text_at(v, "/baseline_problem"); !why.empty()) out += "<dt>baseline</dt><dd class=\"actual\">" + escaped(why) + "</dd>";
        if (auto const why = text_at(v, "/expected_failure"); !why.empty()) out += "<dt>tolerated</dt><dd>" + escaped(why) + "</dd>";
        out += "</dl>";
        auto const total = integer_at(v, "/steps_total", 0);
        out += "<div class=\"where\">" + std::to_string(total) + (total == 1 ? " step" : " steps");
        if (at(v, "/shrunk"))
            out += " (shrunk from " + std::to_string(integer_at(v, "/shrunk/steps_before", 0)) + (integer_at(v, "/shrunk/reproduced", 0) < integer_at(v, "/shrunk/repeated", 0) ? ") · flaky " : ") · reproduced ") + std::to_string(integer_at(v, "/shrunk/reproduced", 0)) + "/" + std::to_string(integer_at(v, "/shrunk/repeated", 0));
        if (auto const controls = strings_at(v, "/controls"); !controls.empty()) {
            out += " · controls that held: ";
            std::set<std::string> const once{controls.begin(), controls.end()};
            for (auto const& c : once) out += (c == *once.begin() ? "" : "; ") + escaped(c);
        }
        out += "</div>" + kinship(check) + story(v) + "<div class=\"hint\"><b>impact</b><span>" + escaped(text_at(v, "/impact")) + "</span><b>likely cause</b><span>" + escaped(text_at(v, "/likely_cause")) + "</span></div>";
        return out + command(text_at(v, "/replay")) + "</article>";
    }

    /// Which other failures probably have the same cause.
    std::string kinship(std::string const& check) const {
        auto const link = [](std::string const& id) { return "<a href=\"#" + id_of("check-", id) + "\">" + escaped(id) + "</a>"; };
        std::string out;
        if (auto const found = causes_.find(check); found != causes_.end()) {
            auto const& others = found->second.others;
            out += "<div class=\"kin\"><details><summary>also explains " + std::to_string(others.size()) + (others.size() == 1 ? " other" : " others") + "</summary>" + escaped(found->second.reason) + "<br>";
            for (auto const& id : others) out += link(id) + " ";
            out += "</details></div>";
        }
        if (auto const found = explained_by_.find(check); found != explained_by_.end()) out += "<div class=\"kin\">probably explained by " + link(found->second) + "</div>";
        return out;
    }

    std::string chapters(json::value const& end) const {
        std::string out = "<h2>The specification, clause by clause</h2>";
        std::vector<std::pair<std::string, std::vector<json::value>>> files;
        for (auto const& one : objects_at(end, "/clauses")) {
            json::value const c = one;
            auto const file = text_at(c, "/file");
            if (files.empty() || files.back().first != file) files.push_back({file, {}});
            files.back().second.push_back(c);
        }
        for (auto const& [file, clauses] : files) {
            tally t;
            for (auto const& c : clauses) ++t[colour_of_clause(c)];
            int judged = 0;
            for (auto const& [colour, n] : t) judged += colour == "none" ? 0 : n;
            out += "<section class=\"chapter\" data-group><h3>" + escaped(chapter_title(file)) + bar(t, "bar small") + "<span>" + std::to_string(t["pass"]) + " shown, " + std::to_string(judged) +
                   " judged, " + std::to_string(clauses.size()) + " clauses</span></h3>";
            for (auto const& c : clauses) out += clause_row(c);
            out += "</section>";
        }
        return out;
    }

    /// "spec/06-sync.md" is "6. Sync".
    static std::string chapter_title(std::string file) {
        if (auto const slash = file.rfind('/'); slash != std::string::npos) file.erase(0, slash + 1);
        if (file.ends_with(".md")) file.resize(file.size() - 3);
        std::replace(file.begin(), file.end(), '-', ' ');
        if (file.size() > 3 && file[0] == '0' && file[2] == ' ') file = std::string{file[1]} + ". " + static_cast<char>(file[3] >= 'a' && file[3] <= 'z' ? file[3] - 32 : file[3]) + file.substr(4);
        return file;
    }

    std::string clause_row(json::value const& c) const {
        auto const colour = colour_of_clause(c), id = text_at(c, "/id");
        std::string out = "<details class=\"clause\" id=\"" + id + "\" data-verdict=\"" + colour + "\"><summary><span><span class=\"id mono\">" + id + "</span> <span class=\"strength\">" +
                          escaped(text_at(c, "/level")) + "</span></span><span>" + pill(colour, word_for(colour)) + "</span><span>" + inline_markdown(text_at(c, "/sentence")) + "</span></summary><div class=\"proof\">";
        for (auto const& check : strings_at(c, "/checks")) {
            auto const found = by_id_.find(check);
            if (found == by_id_.end()) continue;
            auto const& v = *found->second;
            auto const k = colour_of_check(v);
            bool const has_card = k == "fail" || k == "warn" || k == "open";
            out += "<p>" + pill(k, text_at(v, "/verdict")) + " " + (has_card ? "<a href=\"#" + id_of("check-", check) + "\">" + escaped(check) + "</a>" : "<span class=\"mono\">" + escaped(check) + "</span>") + " " +
                   escaped(text_at(v, "/title"));
            if (auto const reason = text_at(v, "/reason"); !reason.empty() && k == "none") out += " (" + escaped(reason) + ")";
            if (k == "pass") out += " <br>" + std::to_string(integer_at(v, "/steps_total", 0)) + " requests, " + std::to_string(strings_at(v, "/controls").size()) + " positive";
            for (auto const& note : strings_at(v, "/notes")) out += " <br>" + escaped(note);
            out += "</p>";
        }
        if (auto const why = text_at(c, "/untested"); !why.empty()) out += "<p>" + escaped(why) + "</p>";
        return out + "</div></details>";
    }

    std::string table_of_checks() const {
        std::string out = "<section data-group><h2>Checks <small>" + std::to_string(checks_.size()) + "</small></h2><table class=\"checks\"><thead><tr><th></th><th>check</th><th>shows that</th><th>time</th></tr></thead><tbody>";
        for (auto const& v : checks_) {
            auto const k = colour_of_check(v);
            out += "<tr data-verdict=\"" + k + "\"><td>" + pill(k, text_at(v, "/verdict")) + "</td><td class=\"mono\">" + escaped(text_at(v, "/check")) + "</td><td>" + escaped(text_at(v, "/title")) + "</td><td class=\"time\">" +
                   std::to_string(integer_at(v, "/took_us", 0) / 1000) + " ms</td></tr>";
        }
        return out + "</tbody></table></section>";
    }

    std::string footer() const {
        return "<footer>Made by bsp-conformance " + escaped(text_at(started_, "/suite_version")) + ". PASS means shown by positive evidence in this run; UNTESTED is not a pass. "
               "Pairing secrets and the admin token are left out of this file; signatures of the suite's own throw-away backends are shortened, except in commands.</footer>";
    }

    std::ostream& out_;
    json::value started_;
    std::vector<json::value> checks_;
    std::map<std::string, json::value const*> by_id_;
    std::map<std::string, json::object> sentences_;
    std::map<std::string, shared_cause> causes_;         // by the check to look at first
    std::map<std::string, std::string> explained_by_;
};

}  // namespace

std::unique_ptr<report> html_report(std::ostream& out) { return std::make_unique<html>(out); }

}  // namespace bsp::conformance
