#include "support.hpp"

#include <ostream>

namespace bsp::conformance {

int render(std::string const& file, output_files const& outputs, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] {
        auto const run = read_report(file);  // whole, before anything is written
        report_files reports{outputs, out, !outputs.none()};
        tell(run, reports);
        reports.close(out);
        return exit_code::conformant;
    });
}

}  // namespace bsp::conformance
