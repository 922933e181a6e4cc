/* Any bytes as lyceum.conf: problems are told, nothing crashes. */
#include "server/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ly_config *conf;
	struct ly_buf errors;

	ly_buf_init(&errors, LY_MEM_CONFIG, 0);
	if (ly_config_parse(&conf, "dir/fuzz.conf", ly_span(data, len), &errors) != 0 &&
	    errors.len == 0)
		__builtin_trap(); /* a refusal without a reason */
	ly_config_destroy(conf);
	ly_buf_fini(&errors);
	return 0;
}
