# Gives the suite's list of checks to tools/check_spec.py, which tells the clauses without one, and compares
# spec/coverage.md with it.
execute_process(COMMAND ${SUITE} list --format json OUTPUT_FILE ${BUILD}/checks.json COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PYTHON} tools/check_spec.py --checks ${BUILD}/checks.json WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PYTHON} tools/spec_coverage.py --checks ${BUILD}/checks.json WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
