#include "../text.hpp"
#include "reading.hpp"
#include "spec_markdown.hpp"

#include <ostream>

// One small picture for a README: what was judged on the left, what came of it on the right.

namespace bsp::conformance {
namespace {

class badge final : public closing_report {
public:
    explicit badge(std::ostream& out) : out_{out} {}

private:
    /// A selection of checks never yields the word for all of them.
    static std::pair<std::string, char const*> message(outcome const& result, json::value const& end) {
        constexpr auto green = "#14803c", olive = "#77780d", red = "#c42b1c", grey = "#667085";
        if (result.colour == standing::fail) return {result.text == "Not conformant" ? "not conformant" : "stopped answering", red};
        if (result.colour == standing::open) return {result.text == "Inconclusive" ? "inconclusive" : "suite failed", grey};
        if (!result.partial.empty()) return {"partial: " + result.partial, grey};
        bool const strict = text_at(end, "/strict") == "yes";
        return {strict ? "conformant, strict" : "conformant, compatible", strict ? green : olive};
    }

    void write(recorded_run const& run) override {
        auto const left = "BSP " + text_at(run.started, "/spec");
        auto const [right, colour] = message(outcome_of(run.started, run.finished), run.finished);
        // `textLength` fits the words to the boxes, whatever font there is.
        constexpr std::size_t per_character = 7, margin = 8;
        auto const a = width_of(left) * per_character, b = width_of(right) * per_character;
        auto const wa = a + 2 * margin, width = wa + b + 2 * margin;
        out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"20\" role=\"img\" aria-label=\"" << html_text(left) << ": " << html_text(right) << "\">\n"
             << "  <title>" << html_text(left) << ": " << html_text(right) << "</title>\n"
             << "  <clipPath id=\"r\"><rect width=\"" << width << "\" height=\"20\" rx=\"4\"/></clipPath>\n"
             << "  <g clip-path=\"url(#r)\">\n    <rect width=\"" << wa << "\" height=\"20\" fill=\"#1b2430\"/>\n    <rect x=\"" << wa << "\" width=\"" << width - wa << "\" height=\"20\" fill=\"" << colour
             << "\"/>\n  </g>\n  <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" lengthAdjust=\"spacingAndGlyphs\">\n    <text x=\"" << margin << "\" y=\"14\" textLength=\"" << a
             << "\">" << html_text(left) << "</text>\n    <text x=\"" << wa + margin << "\" y=\"14\" textLength=\"" << b << "\">" << html_text(right) << "</text>\n  </g>\n</svg>\n"
             << std::flush;
    }

    std::ostream& out_;
};

}  // namespace

std::unique_ptr<report> badge_report(std::ostream& out) { return std::make_unique<badge>(out); }

}  // namespace bsp::conformance
