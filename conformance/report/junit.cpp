#include "reading.hpp"

#include <cstdio>
#include <ostream>

namespace bsp::conformance {
namespace {

/// XML 1.0 text: markup escaped, characters that XML cannot hold replaced.
std::string xml(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            case '\n': out += "&#10;"; break;
            case '\t': out += "&#9;"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) out += "\xEF\xBF\xBD";
                else out += c;
        }
    }
    return out;
}

std::string seconds(std::int64_t microseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(microseconds) / 1e6);
    return text;
}

class junit final : public closing_report {
public:
    explicit junit(std::ostream& out) : out_{out} {}

private:
    void add(json::value const& v) {
        auto const verdict = text_at(v, "/verdict");
        ++tests_;
        total_us_ += integer_at(v, "/took_us", 0);
        body_ += "  <testcase classname=\"bsp." + xml(text_at(v, "/group")) + "\" name=\"" + xml(text_at(v, "/check")) + "\" time=\"" + seconds(integer_at(v, "/took_us", 0)) + "\">";
        auto const* counts = at(v, "/counts");
        bool const decides = counts && counts->is_bool() && counts->get_bool();
        auto const baseline = text_at(v, "/baseline_problem");
        if (!baseline.empty()) {
            ++failures_;
            body_ += "<failure type=\"baseline\" message=\"" + xml(baseline) + "\"/>";
        } else if (verdict == "FAIL" && decides) {
            ++failures_;
            auto const expected = find(v, "expected"), actual = find(v, "actual");
            body_ += "<failure type=\"" + xml(text_at(v, "/aspect")) + "\" message=\"" + xml("expected " + expected + "; actual " + actual) + "\">" + xml(story(v)) + "</failure>";
        } else if (verdict == "HARNESS-ERROR" || (verdict == "INCONCLUSIVE" && decides)) {
            ++errors_;
            body_ += "<error type=\"" + verdict + "\" message=\"" + xml(text_at(v, "/reason")) + "\">" + xml(story(v)) + "</error>";
        } else if (verdict != "PASS") {
            ++skipped_;
            body_ += "<skipped message=\"" + xml(verdict + ": " + (verdict == "FAIL" ? find(v, "expected") : text_at(v, "/reason"))) + "\"/>";
        }
        body_ += "</testcase>\n";
    }

    static std::string find(json::value const& v, std::string const& member) {
        auto const text = text_at(v, "/failure/" + member);
        return text.empty() ? text_at(v, "/inexact/0/" + member) : text;
    }

    static std::string story(json::value const& v) {
        std::string out = text_at(v, "/title") + "\nclauses: " + show(*at(v, "/clauses")) + "\n";
        for (auto const& one : objects_at(v, "/steps")) {
            json::value const s = one;
            out += std::to_string(integer_at(s, "/step", 0)) + "  " + text_at(s, "/who") + "  " + text_at(s, "/summary") + "  " + text_at(s, "/result") + "  " + text_at(s, "/remark") + "\n";
        }
        return out + "impact: " + text_at(v, "/impact") + "\nlikely cause: " + text_at(v, "/likely_cause") + "\n" + text_at(v, "/replay") + "\n";
    }

    void write(recorded_run const& run) override {
        for (auto const& c : run.checks) add(c);
        out_ << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"bsp-conformance\" tests=\"" << tests_ << "\" failures=\"" << failures_ << "\" errors=\"" << errors_
             << "\" skipped=\"" << skipped_ << "\" time=\"" << seconds(total_us_) << "\" timestamp=\"" << xml(text_at(run.started, "/time").substr(0, 19)) << "\">\n  <properties>\n";
        for (char const* name : {"suite_version", "spec", "clause_set_hash", "level"})
            out_ << "    <property name=\"" << name << "\" value=\"" << xml(text_at(run.started, std::string{"/"} + name)) << "\"/>\n";
        out_ << "    <property name=\"target\" value=\"" << xml(text_at(run.started, "/target/url")) << "\"/>\n    <property name=\"seed\" value=\""
             << xml(at(run.started, "/seed") ? show(*at(run.started, "/seed")) : "") << "\"/>\n  </properties>\n"
             << body_ << "</testsuite>\n"
             << std::flush;
    }

    std::ostream& out_;
    std::string body_;
    int tests_ = 0, failures_ = 0, errors_ = 0, skipped_ = 0;
    std::int64_t total_us_ = 0;
};

}  // namespace

std::unique_ptr<report> junit_report(std::ostream& out) { return std::make_unique<junit>(out); }

}  // namespace bsp::conformance
